"""Naive twins of every layer, loss and optimizer: loops over plain numbers, written from the docstrings' equations.

They import nothing but `math`. They are slow, obvious, and independent of what they are held against.
"""
