"""Who sees the answer: everybody there, or only who asked, there or in direct messages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from cogs.policy.contexts import is_away, is_conversation, may_show_all
from cogs.message_ref import Home
from cogs.policy.visibility import unhidden
from engine import StyleBook

if TYPE_CHECKING:
    from cogs.bot import Atelier

MANNER = "manner"
"""Where an interaction keeps how it is answered: what was begun in private stays so."""

HERE, DIRECT = "private", "dm"
"""What people can want by default: answers that only they see, or direct messages."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is answered.

    Attributes:
        private: Whether the pictures are for the person alone.
        ephemeral: Whether the answer is one that Discord shows to nobody else.
        direct: Whether the pictures come in direct messages.
        away: Whether the bot is not there itself.
    """

    private: bool = False
    ephemeral: bool = False
    direct: bool = False
    away: bool = False

    @property
    def leased(self) -> bool:
        """Whether only the interaction's token leads to the answer."""
        return self.ephemeral or self.away


def person_of(interaction: discord.Interaction) -> str:
    """Whose wishes count here."""
    return f"user:{interaction.user.id}"


async def manner_of(
    interaction: "discord.Interaction[Atelier]",
    book: StyleBook,
    *,
    private: bool | None = None,
    source: int | None = None,
) -> Manner:
    """How the interaction is answered; that is decided once.

    Args:
        interaction: The interaction.
        book: Knows what people want by default.
        private: What the person has said for this once.
        source: The job that it goes on from: what comes from a private one is private.

    Raises:
        UnknownJob: When the source is gone, or not theirs to see.
    """
    if (known := interaction.extras.get(MANNER)) is not None:
        assert isinstance(known, Manner)
        return known
    hidden = (
        source is not None and Home.from_json((await unhidden(interaction, source)).home).private
    )
    wished = (await book.wishes(person_of(interaction))).privacy
    manner = interaction.extras[MANNER] = _manner(interaction, wished, private, hidden=hidden)
    return manner


def _manner(
    interaction: "discord.Interaction[Atelier]",
    wished: str | None,
    private: bool | None,
    *,
    hidden: bool,
) -> Manner:
    if is_conversation(interaction):
        return Manner(private=True)
    if private is None:
        private = hidden or wished is not None
    away = is_away(interaction)
    return Manner(
        private=private,
        ephemeral=private or (away and not may_show_all(interaction)),
        direct=private and wished == DIRECT,
        away=away,
    )
