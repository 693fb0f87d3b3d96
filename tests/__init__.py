"""Tests; the tree mirrors the house, discord_server/ is the loopback Discord."""
