"""What everyone may see, wherever they are: pictures from channels that are open to all.

Nothing private, nothing from DMs, and nothing of NSFW channels or that the classifier flags.
"""

from typing import Any

import discord

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.policy.nsfw import exposure_of, is_age_restricted
from cogs.policy.visibility import is_open_to_everyone
from engine import Job, Search, Viewer


def is_public(bot: Client, message_ref: MessageRef) -> bool:
    """Whether every member of a server can see the message, and its channel is for all ages."""
    guild = bot.get_guild(message_ref.guild_id or 0)
    if message_ref.private or message_ref.token_only or guild is None:
        return False
    channel = guild.get_channel_or_thread(message_ref.channel_id)
    if channel is None or is_age_restricted(channel):
        return False
    if isinstance(channel, discord.Thread):
        if channel.is_private() or channel.parent is None:
            return False
        channel = channel.parent
    readable = channel.permissions_for(guild.default_role).read_message_history
    return readable and is_open_to_everyone(channel)


async def public_pictures(bot: Client, size: int) -> list[tuple[Job, tuple[int, ...]]]:
    """At most `size` jobs with public pictures, newest first, each with their indices."""

    def can_see(message_ref: Any) -> bool:
        return is_public(bot, MessageRef.from_json(message_ref))

    viewer = Viewer(owner="", scope="", can_see=can_see, withholds_unsafe=True)
    jobs = await bot.studio.latest_visible_jobs(viewer, Search(), size)
    verdicts = await bot.studio.safety.verdicts_of([job.id for job in jobs])
    found = []
    for job in jobs:
        exposure = exposure_of(
            verdicts.get(job.id, ()), "withhold", restricted=False, privileged=False
        )
        shown = [n for n in range(len(job.pictures)) if n not in exposure.spoilered]
        if shown and not exposure.withheld:
            found.append((job, tuple(shown)))
    return found
