"""Right backward passes in many styles, and each of them with one mistake: what the check is measured on.

Every mutant is a right class in which one step is replaced. `corpus.py` lists them all, over shapes, batches and seeds.
"""
