"""Who sees the answer: everybody there, or only who asked, there or in direct messages."""

from dataclasses import dataclass

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.policy.contexts import is_bot_dm, is_user_install, may_post_publicly
from cogs.policy.visibility import accessible_job
from engine import StyleBook

REPLY_MODE = "manner"
"""Where an interaction keeps how it is answered: what was begun in private stays so."""

HERE, DIRECT = "private", "dm"
"""What people can want by default: answers that only they see, or direct messages."""


@dataclass(frozen=True, slots=True)
class ReplyMode:
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


def user_scope(interaction: discord.Interaction) -> str:
    """Whose wishes count here."""
    return f"user:{interaction.user.id}"


async def reply_mode_of(
    interaction: Interaction,
    book: StyleBook,
    *,
    private: bool | None = None,
    source: int | None = None,
) -> ReplyMode:
    """How the interaction is answered; that is decided once.

    Args:
        interaction: The interaction.
        book: Knows what people want by default.
        private: What the person has said for this once.
        source: The job that it goes on from: what comes from a private one is private.

    Raises:
        UnknownJob: When the source is gone, or not theirs to see.
    """
    if (known := interaction.extras.get(REPLY_MODE)) is not None:
        assert isinstance(known, ReplyMode)
        return known
    hidden = (
        source is not None
        and MessageRef.from_json((await accessible_job(interaction, source)).message_ref).private
    )
    wished = (await book.user_defaults(user_scope(interaction))).privacy
    reply_mode = interaction.extras[REPLY_MODE] = _reply_mode(
        interaction, wished, private, hidden=hidden
    )
    return reply_mode


def _reply_mode(
    interaction: Interaction,
    wished: str | None,
    private: bool | None,
    *,
    hidden: bool,
) -> ReplyMode:
    if is_bot_dm(interaction):
        return ReplyMode(private=True)
    if private is None:
        private = hidden or wished is not None
    away = is_user_install(interaction)
    return ReplyMode(
        private=private,
        ephemeral=private or (away and not may_post_publicly(interaction)),
        direct=private and wished == DIRECT,
        away=away,
    )
