"""`hub` and its commands."""
