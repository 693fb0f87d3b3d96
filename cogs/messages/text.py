"""Pieces of text that messages have in common."""

from cogs.context import EVERYWHERE, Client
from cogs.markdown import escaped
from speech import phrase, say

BAR_LENGTH = 12
"""Marks in a progress bar."""

ORDINALS = {1: phrase("{number}st"), 2: phrase("{number}nd"), 3: phrase("{number}rd")}
OTHER_ORDINAL = phrase("{number}th")


def progress_bar(done: int, total: int) -> str:
    """A progress bar and its percentage."""
    marks = round(BAR_LENGTH * done / total)
    return f"{'▰' * marks}{'▱' * (BAR_LENGTH - marks)} {100 * done // total}%"


def quoted(prompt: str) -> str:
    """The prompt as a heading, with its Markdown escaped."""
    return f"**{escaped(prompt, 1000)}**"


def shortened(text: str, limit: int = 300) -> str:
    """The text, cut to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def ordinal(number: int) -> str:
    """The number as 1st, 2nd, 3rd, 4th …"""
    if number % 100 in (11, 12, 13):
        return say(OTHER_ORDINAL, number=number)
    return say(ORDINALS.get(number % 10, OTHER_ORDINAL), number=number)


def duration(seconds: float) -> str:
    """A duration in seconds, minutes or hours, rounded."""
    if seconds < 90:
        return say("{number} s", number=max(1, round(seconds)))
    if seconds < 5400:
        return say("{number} min", number=round(seconds / 60))
    return say("{number:.1f} h", number=seconds / 3600)


def command_mention(bot: Client, command: str, guild_id: int | None) -> str:
    """A clickable mention of a command, such as `model use`, in that server.

    Where its ID isn't known, only its name.
    """
    ids = bot.command_ids.get(guild_id or EVERYWHERE) or bot.command_ids.get(EVERYWHERE, {})
    if (command_id := ids.get(command.partition(" ")[0])) is None:
        return f"`/{command}`"
    return f"</{command}:{command_id}>"
