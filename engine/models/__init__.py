"""Models: the catalogue, known checkpoints and families, adding and removing."""
