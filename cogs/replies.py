"""Answers that only the person who asked can see."""

from typing import Any

import discord


async def reply(interaction: discord.Interaction[Any], text: str) -> None:
    """Say `text` to the person who used the command or the button, and to nobody else."""
    mentions = discord.AllowedMentions.none()
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=mentions)
    else:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=mentions)
