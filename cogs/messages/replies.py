"""Replies that only the user sees, and what they say about errors."""

import logging
from typing import Any

import aiohttp
import discord
from discord import app_commands

from cogs.markdown import in_markdown, shortened_markdown
from engine import AtelierError, LimitReached, new_incident
from speech import say

log = logging.getLogger(__name__)

MAX_MESSAGE_LENGTH = 2000
"""Discord's limit for the text of a message, in characters."""


async def reply(interaction: discord.Interaction[Any], text: str) -> None:
    """Answer the interaction with `text`, visible only to the user.

    A text that is too long is cut after a line, or within one if that line is most of it.
    """
    if len(text) > MAX_MESSAGE_LENGTH:
        whole_lines = text[: text.rfind("\n", 0, MAX_MESSAGE_LENGTH - 2) + 1]
        if len(whole_lines) > MAX_MESSAGE_LENGTH // 2:
            text = whole_lines + "…"
        else:
            text = shortened_markdown(text, MAX_MESSAGE_LENGTH)
    mentions = discord.AllowedMentions.none()
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=mentions)
    else:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=mentions)


async def reply_to(message: discord.Message, text: str) -> None:
    """Reply to a message with `text`, cut to what Discord takes, if it is still there."""
    try:
        await message.reply(
            shortened_markdown(text, MAX_MESSAGE_LENGTH),
            mention_author=False,
            allowed_mentions=discord.AllowedMentions.none(),
        )
    except discord.HTTPException as error:
        log.info("A message can't be answered: %s", error)


def sentence_for(error: Exception) -> str:
    """What to tell the user about `error`; a bug is logged under an ID that they see."""
    match error:
        case LimitReached(retry_at=float(retry_at)):
            return say(
                "{error} Try again <t:{at}:R>.",
                error=in_markdown(error.sentence),
                at=int(retry_at) + 1,
            )
        case AtelierError():
            return in_markdown(error.sentence)
        case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
            return say("This command has changed. Restart Discord, or try again in a minute.")
        case discord.DiscordServerError() | aiohttp.ClientError():
            log.warning("An interaction couldn't be answered: %s", error)
            return say("Discord didn't answer me. Try again in a minute.")
        case _:
            incident = new_incident()
            log.error("Incident %s", incident, exc_info=error)
            return say(
                "Something went wrong. The owner can find the reason in the log: {incident}.",
                incident=incident,
            )
