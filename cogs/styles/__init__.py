"""/style: prompt templates of a server."""
