"""The loopback Discord is itself held to what it promises, by the real discord.py."""
