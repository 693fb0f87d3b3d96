"""The user as the viewer of a list of jobs, for `Studio.visible_jobs`."""

from functools import partial
from typing import Any

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.policy.access import is_moderator
from cogs.policy.contexts import scope_of
from cogs.policy.nsfw import is_age_restricted_here, nsfw_policy
from cogs.policy.visibility import can_see_message
from engine import Viewer


async def viewer_of(interaction: Interaction) -> Viewer:
    """The user, for a list of their own that only they see."""
    policy = await nsfw_policy(interaction.client, interaction.guild_id)
    return Viewer(
        owner=str(interaction.user.id),
        scope=scope_of(interaction),
        can_see=partial(_can_see, interaction),
        may_moderate=is_moderator(interaction),
        withholds_unsafe=policy == "withhold" and not is_age_restricted_here(interaction),
    )


def public_viewer(interaction: Interaction) -> Viewer:
    """The user, for what everyone in the channel may see: nothing private, nothing unsafe."""
    return Viewer(
        owner="",
        scope=scope_of(interaction),
        can_see=partial(_can_see, interaction),
        withholds_unsafe=not is_age_restricted_here(interaction),
    )


def _can_see(interaction: Interaction, message_ref: Any) -> bool:
    return can_see_message(interaction, MessageRef.from_json(message_ref))
