"""Check anyone's backward pass: find the true gradient by nudges, and name the mistake if it is another one.

Read in this order: mistakes.py (what can be named), nudge.py (the truth), trial.py (one forward and backward, watched),
suspects.py (what each mistake would have said), judge.py (which of them it was). The other files bring every form in
which people write a backward pass to the one form that a trial needs.
"""
