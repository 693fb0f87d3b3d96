"""What the bot needs to be allowed on a server, and nothing more."""

import discord

REQUIRED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    embed_links=True,
)
