"""Moderation: blocks, blocked words, reviews, releasing withheld pictures."""
