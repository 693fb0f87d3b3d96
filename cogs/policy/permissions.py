"""The permissions that the bot needs."""

from collections.abc import Iterable

import discord

from speech import phrase, say

REQUIRED_PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
)
"""What to invite the bot with."""

PERMISSION_NAMES = {
    "read_messages": phrase("View Channels"),
    "view_channel": phrase("View Channel"),
    "send_messages": phrase("Send Messages"),
    "send_messages_in_threads": phrase("Send Messages in Threads"),
    "create_public_threads": phrase("Create Public Threads"),
    "attach_files": phrase("Attach Files"),
}
"""Discord's names of permissions, by discord.py's."""


def permission_name(name: str) -> str:
    """Discord's name of the permission that discord.py calls `name`."""
    return say(PERMISSION_NAMES[name])


def missing_permissions(granted: discord.Permissions, needed: Iterable[str]) -> list[str]:
    """Discord's names of those permissions in `needed` that are not granted."""
    return [permission_name(name) for name in needed if not getattr(granted, name)]
