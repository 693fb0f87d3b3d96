"""Text of people in spoilers: nobody has to read it who does not want to, and none gets out."""

import re

import discord

BARE = re.compile(r"(?<!\\)\|")


def escape_markdown(text: str) -> str:
    """The text without Markdown of its own, in addresses too: discord.py leaves those as they are,
    but a spoiler ends at `||` wherever that stands."""
    return BARE.sub(r"\|", discord.utils.escape_markdown(text))


def spoiler(text: str) -> str:
    """The text as a spoiler."""
    return f"||{escape_markdown(text)}||"
