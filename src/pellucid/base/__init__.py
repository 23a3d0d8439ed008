"""Floor 0: arrays, numbers that do not overflow, seeds, parameters. Imports NumPy and the standard library alone."""
