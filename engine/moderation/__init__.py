"""Moderation: blocks, the word filter, requests held for review, the audit log."""
