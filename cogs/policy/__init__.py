"""Who may do what where, and who sees what."""
