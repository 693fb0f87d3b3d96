"""How pictures that the classifier takes for unsafe are shown: openly, covered, or not at all.

In age-restricted channels, by Discord's own flag, they are shown. Elsewhere the server decides.
Whoever asked for a picture, and who may release it, can look at it behind a spoiler even when it is
withheld from everybody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from cogs.context import Client, Interaction
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
        withheld: Whether they are not shown: one of them is objected to.
        covered: The places of those that are hidden as spoilers.
    """

    withheld: bool = False
    covered: frozenset[int] = frozenset()


async def policy_of(bot: Client, guild_id: int | None) -> Nsfw:
    """What becomes of unsafe pictures where nothing is age-restricted.

    Outside of servers that the bot is in, nobody could release what is withheld.
    """
    if guild_id is None or bot.get_guild(guild_id) is None:
        return "spoiler"
    chosen = (await server_settings(bot.studio, f"guild:{guild_id}")).nsfw
    if chosen is None or (chosen == "off" and not bot.settings.unsafe_may_be_shown):
        return bot.settings.unsafe_pictures
    return chosen


def age_restricted(place: Location | None) -> bool:
    """Whether Discord shows the place to adults only; a thread is as the channel that it is in."""
    restricted = getattr(place, "is_nsfw", None)
    return restricted is not None and bool(restricted())


def exposure_of(
    verdicts: Sequence[SafetyVerdict], policy: Nsfw, *, restricted: bool, alone: bool
) -> Exposure:
    """How pictures with these verdicts are shown.

    Args:
        verdicts: What the classifier has said of each.
        policy: What the server has decided.
        restricted: Whether they are shown in an age-restricted place.
        alone: Whether nobody sees them but who asked for them, or may release them.
    """
    objected = frozenset(place for place, each in enumerate(verdicts) if each.stands)
    if not objected or restricted or policy == "off":
        return Exposure()
    # What could not be judged says nothing against anybody: it is only covered.
    judged = any(verdicts[place].judged for place in objected)
    if policy == "withhold" and judged and not alone:
        return Exposure(withheld=True)
    return Exposure(covered=objected)


async def exposure_in_channel(bot: Client, job: Job, message_ref: MessageRef) -> Exposure:
    """How the pictures of a job are shown in its own message."""
    verdicts = await bot.studio.safety.of(job.id)
    if not any(verdict.stands for verdict in verdicts):
        return Exposure()
    restricted = age_restricted(await _place_of(bot, message_ref))
    policy = await policy_of(bot, message_ref.guild_id)
    return exposure_of(verdicts, policy, restricted=restricted, alone=message_ref.private)


async def preview_exposure(bot: Client, message_ref: MessageRef) -> Exposure:
    """How a picture in progress is shown there, of which nothing is known yet: like an unsafe one.

    Nothing is hidden where nobody judges pictures.
    """
    if not bot.studio.safety.judges or age_restricted(await _place_of(bot, message_ref)):
        return Exposure()
    policy = await policy_of(bot, message_ref.guild_id)
    unknown = SafetyVerdict("", 1.0, flagged=True)
    return exposure_of([unknown], policy, restricted=False, alone=message_ref.private)


async def _place_of(bot: Client, message_ref: MessageRef) -> Location | None:
    """The channel of a message, if the bot is there itself; servers are known once it is ready."""
    if message_ref.guild_id is None:
        return None
    await bot.wait_until_ready()
    guild = bot.get_guild(message_ref.guild_id)
    return guild.get_channel_or_thread(message_ref.channel_id) if guild else None


async def exposure_to_user(interaction: Interaction, job: Job) -> Exposure:
    """How the pictures of a job are shown to whoever interacts, in an answer for them alone."""
    verdicts = await interaction.client.studio.safety.of(job.id)
    return (await exposures_to_user(interaction, [job], {job.id: verdicts}))[job.id]


async def exposures_to_user(
    interaction: Interaction,
    jobs: Sequence[Job],
    verdicts: dict[int, tuple[SafetyVerdict, ...]] | None = None,
) -> dict[int, Exposure]:
    """The same for several jobs."""
    if verdicts is None:
        verdicts = await interaction.client.studio.safety.several([job.id for job in jobs])
    policy = await policy_of(interaction.client, interaction.guild_id)
    restricted = here_restricted(interaction)
    return {
        job.id: exposure_of(
            verdicts.get(job.id, ()), policy, restricted=restricted, alone=_may(interaction, job)
        )
        for job in jobs
    }


async def exposure_in_dm(interaction: Interaction, job: Job) -> Exposure:
    """How they are shown in direct messages to whoever interacts: covered if they may see them."""
    verdicts = await interaction.client.studio.safety.of(job.id)
    policy = await policy_of(interaction.client, interaction.guild_id)
    alone = _may(interaction, job) or here_restricted(interaction)
    return exposure_of(verdicts, policy, restricted=False, alone=alone)


async def require_shown(interaction: Interaction, job_id: int) -> None:
    """Raise `InvalidRequest` when the pictures of the job are withheld from whoever interacts."""
    job = await interaction.client.studio.job(job_id)
    if (await exposure_to_user(interaction, job)).withheld:
        raise InvalidRequest(
            say(
                "The pictures of job {number} are withheld here. A moderator can release them.",
                number=job_id,
            )
        )


def here_restricted(interaction: discord.Interaction) -> bool:
    """Whether this is an age-restricted place. The bot's own memory knows a thread's channel."""
    if interaction.guild is None or interaction.channel_id is None:
        return False
    return age_restricted(interaction.guild.get_channel_or_thread(interaction.channel_id))


def _may(interaction: Interaction, job: Job) -> bool:
    """Whether they may look at it in any case."""
    return job.owner == str(interaction.user.id) or may_release(interaction, job)


def verdict_summary(verdicts: tuple[SafetyVerdict, ...]) -> str:
    """What the safety checker objects to: the labels with their scores."""
    said = [
        f"{discord.utils.escape_markdown(each.label)} {each.score:.0%}"
        if each.score is not None
        else say("not checked")
        for each in verdicts
        if each.flagged
    ]
    return ", ".join(said)
