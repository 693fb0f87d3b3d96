"""Who may do what where, and who may see what."""
