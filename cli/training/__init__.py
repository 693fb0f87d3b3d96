"""`train`: makes a LoRA from a folder of pictures."""
