"""What the doctor of data looks for: a file a kind of trouble, a function a check.

A check takes a `Case` and gives a `Finding`, or None where there is nothing to say.
"""
