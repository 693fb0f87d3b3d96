"""How pictures that the safety checker flags are shown: openly, as spoilers, or not at all.

In age-restricted channels they are shown. Elsewhere the server's setting decides. The owner of a
job, and moderators who may release it, can see withheld pictures as spoilers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from cogs.context import Client, Interaction
from cogs.markdown import escaped_line
from cogs.message_ref import MessageRef
from cogs.policy.access import may_release
from cogs.policy.server_settings import Nsfw, server_settings
from cogs.policy.visibility import Location
from engine import InvalidRequest, Job, SafetyVerdict
from speech import say


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the pictures of a job are shown.

    Attributes:
        withheld: Whether none of them are shown, because one is flagged.
        spoilered: The indices of those that are hidden as spoilers.
    """

    withheld: bool = False
    spoilered: frozenset[int] = frozenset()


async def nsfw_policy(bot: Client, guild_id: int | None) -> Nsfw:
    """What happens to flagged pictures in channels that aren't age-restricted.

    They are never withheld outside the bot's servers: no one could release them there.
    """
    if guild_id is None or bot.get_guild(guild_id) is None:
        return "spoiler"
    chosen = (await server_settings(bot.studio, f"guild:{guild_id}")).nsfw
    if chosen is None or (chosen == "off" and not bot.settings.unsafe_may_be_shown):
        return bot.settings.unsafe_pictures
    return chosen


def is_age_restricted(channel: Location | None) -> bool:
    """Whether the channel, or the channel of the thread, is age-restricted."""
    restricted = getattr(channel, "is_nsfw", None)
    return restricted is not None and bool(restricted())


def exposure_of(
    verdicts: Sequence[SafetyVerdict], policy: Nsfw, *, restricted: bool, privileged: bool
) -> Exposure:
    """How pictures with these verdicts are shown.

    Args:
        verdicts: The safety checker's verdict on each picture.
        policy: The server's policy.
        restricted: Whether they are shown in an age-restricted channel.
        privileged: Whether only their owner, or a moderator who may release them, sees them.
    """
    flagged = frozenset(index for index, each in enumerate(verdicts) if each.unsafe)
    if not flagged or restricted or policy == "off":
        return Exposure()
    # Pictures that couldn't be checked are only hidden as spoilers.
    checked = any(verdicts[index].checked for index in flagged)
    if policy == "withhold" and checked and not privileged:
        return Exposure(withheld=True)
    return Exposure(spoilered=flagged)


async def exposure_in_channel(bot: Client, job: Job, message_ref: MessageRef) -> Exposure:
    """How the pictures of a job are shown in its message."""
    verdicts = await bot.studio.safety.verdicts(job.id)
    if not any(verdict.unsafe for verdict in verdicts):
        return Exposure()
    restricted = is_age_restricted(await _channel_of(bot, message_ref))
    policy = await nsfw_policy(bot, message_ref.guild_id)
    return exposure_of(verdicts, policy, restricted=restricted, privileged=message_ref.private)


async def preview_exposure(
    bot: Client, message_ref: MessageRef, verdict: SafetyVerdict | None = None
) -> Exposure:
    """How a picture of no job is shown, such as a preview.

    Without a `verdict` it hasn't been checked yet, and is shown like a flagged picture. It isn't
    hidden if the safety checker is off.
    """
    if not bot.studio.safety.enabled or is_age_restricted(await _channel_of(bot, message_ref)):
        return Exposure()
    policy = await nsfw_policy(bot, message_ref.guild_id)
    verdict = verdict or SafetyVerdict("", 1.0, flagged=True)
    return exposure_of([verdict], policy, restricted=False, privileged=message_ref.private)


async def _channel_of(bot: Client, message_ref: MessageRef) -> Location | None:
    """The channel of a message, if the bot can see it. Waits until the servers are known."""
    if message_ref.guild_id is None:
        return None
    await bot.wait_until_ready()
    guild = bot.get_guild(message_ref.guild_id)
    return guild.get_channel_or_thread(message_ref.channel_id) if guild else None


async def exposure_to_user(interaction: Interaction, job: Job) -> Exposure:
    """How the pictures of a job are shown in an answer that only the user sees."""
    verdicts = await interaction.client.studio.safety.verdicts(job.id)
    return (await exposures_to_user(interaction, [job], {job.id: verdicts}))[job.id]


async def exposures_to_user(
    interaction: Interaction,
    jobs: Sequence[Job],
    verdicts: dict[int, tuple[SafetyVerdict, ...]] | None = None,
) -> dict[int, Exposure]:
    """How the pictures of several jobs are shown in an answer that only the user sees."""
    if verdicts is None:
        verdicts = await interaction.client.studio.safety.verdicts_of([job.id for job in jobs])
    policy = await nsfw_policy(interaction.client, interaction.guild_id)
    restricted = is_age_restricted_here(interaction)
    return {
        job.id: exposure_of(
            verdicts.get(job.id, ()),
            policy,
            restricted=restricted,
            privileged=is_privileged(interaction, job),
        )
        for job in jobs
    }


async def exposure_in_dm(interaction: Interaction, job: Job) -> Exposure:
    """How the pictures of a job are shown in the user's DMs: as spoilers if they may see them."""
    verdicts = await interaction.client.studio.safety.verdicts(job.id)
    policy = await nsfw_policy(interaction.client, interaction.guild_id)
    privileged = is_privileged(interaction, job) or is_age_restricted_here(interaction)
    return exposure_of(verdicts, policy, restricted=False, privileged=privileged)


async def require_shown(interaction: Interaction, job: Job) -> None:
    """Raise `InvalidRequest` when the pictures of the job are withheld from the user."""
    if (await exposure_to_user(interaction, job)).withheld:
        raise InvalidRequest(
            say(
                "The pictures of job {number} are withheld here. A moderator can release them.",
                number=job.id,
            )
        )


def is_age_restricted_here(interaction: discord.Interaction) -> bool:
    """Whether the interaction's channel is age-restricted.

    The channel is looked up in the bot's cache, which knows the parent of a thread.
    """
    if interaction.guild is None or interaction.channel_id is None:
        return False
    return is_age_restricted(interaction.guild.get_channel_or_thread(interaction.channel_id))


def is_privileged(interaction: Interaction, job: Job) -> bool:
    """Whether the user may see the job's pictures even if they are withheld."""
    return job.owner == str(interaction.user.id) or may_release(interaction, job)


def verdict_summary(verdicts: tuple[SafetyVerdict, ...]) -> str:
    """What the safety checker flagged: the labels with their scores."""
    reasons = [
        f"{escaped_line(each.label)} {each.score:.0%}"
        if each.score is not None
        else say("not checked")
        for each in verdicts
        if each.flagged
    ]
    return ", ".join(reasons)
