"""Keys and invitations."""
