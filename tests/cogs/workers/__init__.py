"""What paints, for the owner."""
