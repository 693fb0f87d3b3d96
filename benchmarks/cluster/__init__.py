"""A bot and workers in processes of their own; all is real, but a step is a fixed wait."""
