"""What can be wrong with a dataset as a whole."""

from engine.errors import AtelierError


class InvalidDataset(AtelierError):
    """Nothing can be trained on the folder; the text says why and what to change."""
