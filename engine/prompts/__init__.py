"""What prompts may contain: weights, flags, dynamic prompts, styles."""
