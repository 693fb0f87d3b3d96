"""What fits where: the memory plan. Nothing here imports torch."""
