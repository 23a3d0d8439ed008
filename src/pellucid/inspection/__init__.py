"""Floor 5: looking in from above. No lower floor knows that it exists."""
