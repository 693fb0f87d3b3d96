"""Finding pictures again: history, favorites, one job, the gallery channel."""
