"""Keeping order: who is blocked, which words, what a moderator looks at, and who did what."""
