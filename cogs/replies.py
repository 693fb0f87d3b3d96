"""Answers that only the person who asked can see."""

from typing import Any

import discord

MOST = 2000
"""Discord's limit for the text of a message."""


async def reply(interaction: discord.Interaction[Any], text: str) -> None:
    """Say `text` to the person who used the command or the button, and to nobody else.

    What does not fit into a message is left out, whole lines if it can be.
    """
    if len(text) > MOST:
        text = text[: MOST - 2]
        text = (text[: text.rfind("\n") + 1] or text) + "…"
    mentions = discord.AllowedMentions.none()
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=mentions)
    else:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=mentions)
