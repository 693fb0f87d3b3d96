"""What a LoRA learns of a thing that the built-in model doesn't know, and what it forgets."""
