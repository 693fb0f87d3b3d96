"""The pictures that somebody has painted or starred, to learn from."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.text import shortened
from cogs.policy.nsfw import require_shown
from cogs.policy.viewer import viewer_of
from cogs.policy.visibility import visible_job
from cogs.train.modals import MAX_CAPTION
from engine import InvalidRequest, Job, Parent, Search, Training
from speech import say

MAX_OPTIONS = 25
"""Discord's limit for a menu."""

PATIENCE = 1.5
"""Seconds for finding them: a modal can't be deferred, and Discord waits for 3."""

VALUE = re.compile(r"(?P<job_id>\d{1,18}):(?P<number>\d{1,2})")


async def picture_options(
    interaction: Interaction, training: Training
) -> list[discord.SelectOption]:
    """Options for the user's favourites, and after them for their newest pictures.

    What only they see isn't offered for a training that everyone sees.
    """
    options: dict[str, discord.SelectOption] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            async for job, emoji in _jobs(interaction):
                for index in range(len(job.pictures) if _fits(job, training) else 0):
                    value = f"{job.id}:{index}"
                    label = shortened(f"{job.id}.{index + 1}: {job.recipe.prompt}", 100)
                    option = discord.SelectOption(label=label, value=value, emoji=emoji)
                    options.setdefault(value, option)
    return list(options.values())[:MAX_OPTIONS]


async def read_picture(
    interaction: Interaction, value: str, training: Training
) -> tuple[bytes, str]:
    """The picture of an option, as a file, and its prompt, cut to the length of a caption.

    Raises:
        UnknownJob: When it is gone, or the user may not see it.
        InvalidRequest: When it is withheld from them, or everyone would see what is private.
    """
    match = VALUE.fullmatch(value)
    job = await visible_job(interaction, int(match["job_id"]) if match else 0)
    await require_shown(interaction, job)
    if match is None or not _fits(job, training):
        raise InvalidRequest(
            say("Job {number} is private, but everyone sees this training.", number=job.id)
        )
    picture = Parent(job.id, int(match["number"]))
    data = await interaction.client.studio.init_images.read_finished(picture)
    return data, shortened(job.recipe.prompt, MAX_CAPTION)


async def _jobs(interaction: Interaction) -> AsyncIterator[tuple[Job, str]]:
    studio, me = interaction.client.studio, str(interaction.user.id)
    viewer = await viewer_of(interaction)
    for search, emoji in ((Search(starred_by=me), "⭐"), (Search(owner=me), "🖼️")):
        for job in (await studio.visible_jobs(viewer, search, 0, MAX_OPTIONS)).jobs:
            yield job, emoji


def _fits(job: Job, training: Training) -> bool:
    return training.private or not MessageRef.from_json(job.message_ref).private
