"""What the bot needs to be allowed on a server, and nothing more."""

import discord

REQUIRED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
)


def title(name: str) -> str:
    """What Discord's own pages call the permission that discord.py calls `name`."""
    words = name.replace("read_messages", "view_channels").split("_")
    return " ".join(word if word == "in" else word.title() for word in words)
