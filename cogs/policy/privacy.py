"""Who sees an answer: everyone in the channel, or only the user, there or in their DMs."""

from dataclasses import dataclass

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.policy.contexts import is_bot_dm, is_user_install, may_post_publicly
from cogs.policy.request_context import request_context
from cogs.policy.visibility import accessible_job

REPLY_MODE = "reply_mode"
"""The key in an interaction's extras: all its answers have the mode that was chosen first."""

ONLY_ME, DM = "private", "dm"
"""The privacy that users can choose as their default."""


@dataclass(frozen=True, slots=True)
class ReplyMode:
    """How a request is answered.

    Attributes:
        private: Whether only the user sees the pictures.
        ephemeral: Whether the answer is ephemeral.
        dm: Whether the pictures are sent to the user's DMs.
        user_install: Whether the bot isn't a member there.
    """

    private: bool = False
    ephemeral: bool = False
    dm: bool = False
    user_install: bool = False

    @property
    def token_only(self) -> bool:
        """Whether the answer can be edited only with the interaction's token."""
        return self.ephemeral or self.user_install


async def reply_mode_of(
    interaction: Interaction,
    *,
    private: bool | None = None,
    source: int | None = None,
) -> ReplyMode:
    """How the interaction is answered; this is decided once and then kept.

    Args:
        interaction: The interaction.
        private: The privacy that the user chose for this request, if any.
        source: The job that the request is made from; if it is private, so is the answer.

    Raises:
        UnknownJob: When the source is gone, or the user may not see it.
    """
    if (known := interaction.extras.get(REPLY_MODE)) is not None:
        assert isinstance(known, ReplyMode)
        return known
    source_is_private = (
        source is not None
        and MessageRef.from_json((await accessible_job(interaction, source)).message_ref).private
    )
    default_privacy = (await request_context(interaction)).user_defaults.privacy
    reply_mode = interaction.extras[REPLY_MODE] = _reply_mode(
        interaction, default_privacy, private, source_is_private=source_is_private
    )
    return reply_mode


def _reply_mode(
    interaction: Interaction,
    default_privacy: str | None,
    private: bool | None,
    *,
    source_is_private: bool,
) -> ReplyMode:
    if is_bot_dm(interaction):
        return ReplyMode(private=True)
    if private is None:
        private = source_is_private or default_privacy is not None
    user_install = is_user_install(interaction)
    return ReplyMode(
        private=private,
        ephemeral=private or (user_install and not may_post_publicly(interaction)),
        dm=private and default_privacy == DM,
        user_install=user_install,
    )
