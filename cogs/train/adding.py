"""Adds pictures to a training one by one, and says of each that can't be used why."""

from collections.abc import AsyncIterator, Iterable, Sequence

import discord

from cogs.context import Interaction
from cogs.markdown import escaped_line, in_markdown
from cogs.requests.attachments import require_picture, uploaded
from cogs.train.own_pictures import read_picture
from engine import AtelierError, InvalidRequest, LimitReached, Training, UnknownJob
from speech import say

Outcome = tuple[str, AtelierError | None]
"""What a picture is called, and why it couldn't be added."""


async def add_files(
    interaction: Interaction,
    training: Training,
    files: Iterable[discord.Attachment],
    caption: str = "",
) -> AsyncIterator[Outcome]:
    """Add attached files, with a caption for all of them."""
    for file in files:
        try:
            require_picture(file)
            async with uploaded(interaction, file) as data:
                await interaction.client.studio.trainings.add_picture(training.id, data, caption)
        except (InvalidRequest, LimitReached) as error:
            yield file.filename, error
        else:
            yield file.filename, None


async def add_own(
    interaction: Interaction, training: Training, values: Iterable[str]
) -> AsyncIterator[Outcome]:
    """Add pictures that the bot has painted, with their prompts; options of `picture_options`."""
    for value in values:
        name = value.partition(":")[0]
        try:
            data, prompt = await read_picture(interaction, value, training)
            await interaction.client.studio.trainings.add_picture(training.id, data, prompt)
        except (InvalidRequest, LimitReached, UnknownJob) as error:
            yield say("job {number}", number=name), error
        else:
            yield name, None


def refusals(outcomes: Sequence[Outcome]) -> str:
    """What wasn't added, and why, in Discord's Markdown; empty if all were."""
    lines = [
        f"- **{escaped_line(name, 60)}**: {in_markdown(error.sentence)}"
        for name, error in outcomes
        if error is not None
    ]
    return "\n".join([say("Not added:"), *lines]) if lines else ""
