"""Answers that only the person who asked can see."""

from typing import Any

import discord

MOST = 2000
"""Discord's limit for the text of a message."""


async def reply(interaction: discord.Interaction[Any], text: str) -> None:
    """Say `text` to the person who used the command or the button, and to nobody else.

    What does not fit into a message is left out: whole lines, unless one of them is most of it.
    """
    if len(text) > MOST:
        text = text[: MOST - 2]
        whole = text[: text.rfind("\n") + 1]
        text = (whole if len(whole) > MOST // 2 else text) + "…"
    mentions = discord.AllowedMentions.none()
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=mentions)
    else:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=mentions)
