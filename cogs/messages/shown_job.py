"""The job that a message of the bot shows, from its components."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import discord

JOB_CUSTOM_ID = re.compile(r"atelier(?:-picture)?:[a-z]+:(\d{1,19})(?::\d{1,2})?")
"""Matches the custom IDs of buttons that hold a job's number."""


def job_id_of(message: discord.Message, bot: discord.ClientUser | None) -> int | None:
    """The job that a message of the bot shows, from the custom IDs of its buttons."""
    if bot is None or message.author.id != bot.id:
        return None
    for part in walk_components(message.components):
        if match := JOB_CUSTOM_ID.fullmatch(getattr(part, "custom_id", None) or ""):
            return int(match[1])
    return None


def walk_components(components: Iterable[Any]) -> Iterator[Any]:
    """The components and all that are inside them."""
    for part in components:
        yield part
        yield from walk_components(getattr(part, "children", ()))
