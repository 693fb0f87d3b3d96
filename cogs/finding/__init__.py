"""Finding pictures again: history, favourites, one job, and the gallery of a server."""
