"""The doctor's ladder: one experiment a file, from what can be read off the network to what only a training shows.

Each rung stands on those below: what was found is cured on a copy before the next experiment is made, so that a
consequence is not taken for a cause. Read case.py (what is examined), course.py (a short training) and rung.py first.
"""
