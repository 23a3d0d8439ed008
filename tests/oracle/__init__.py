"""A second way to every derivative: the formula is written down once, and a small tape differentiates it."""
