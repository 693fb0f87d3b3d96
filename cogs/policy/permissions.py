"""What the bot needs to be allowed on a server, and nothing more."""

import discord

from speech import phrase, say

REQUIRED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
)


TITLES = {
    "read_messages": phrase("View Channels"),
    "view_channel": phrase("View Channel"),
    "send_messages": phrase("Send Messages"),
    "send_messages_in_threads": phrase("Send Messages in Threads"),
    "attach_files": phrase("Attach Files"),
}
"""What Discord's own pages call what the bot needs, by discord.py's names of it."""


def title(name: str) -> str:
    """What Discord's own pages call the permission that discord.py calls `name`."""
    return say(TITLES[name])
