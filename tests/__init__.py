"""The proof: one table of cases (cases.py), naive twins (reference/), frozen peer answers (golden/), a file a room."""
