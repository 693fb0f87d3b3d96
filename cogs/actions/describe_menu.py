"""“Describe this picture”, in the menu of every message."""

import re
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.actions.metadata import pictures_in
from cogs.actions.picture_choice import PictureChoice
from cogs.context import Client, Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.messages.shown_job import job_id_of
from cogs.policy.contexts import anywhere
from cogs.policy.visibility import accessible_job
from cogs.requests.describing import describe_attachment, describe_finished, describe_upload
from speech import phrase, say


class DescribeMenu(commands.Cog):
    """The command in the menu of every message."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._studio = bot.studio
        self._menu = anywhere(
            app_commands.ContextMenu(name="Describe this picture", callback=self.describe_this)
        )

    async def cog_load(self) -> None:
        """Add the menu: discord.py has no decorator for those of a cog."""
        self._bot.tree.add_command(self._menu)

    async def describe_this(self, interaction: Interaction, message: discord.Message) -> None:
        """Say in words what the message's picture shows, in up to four prompts."""
        await self._studio.describer.require()
        job_id = job_id_of(message, interaction.client.user)
        if job_id is None:
            pictures = pictures_in(message)
            if len(pictures) == 1:
                await describe_attachment(interaction, pictures[0], quiet=True)
            else:
                await CHOICE.of_attachments(interaction, pictures)
            return
        picture = await CHOICE.of_job(interaction, await accessible_job(interaction, job_id))
        if picture is not None:
            await describe_finished(interaction, picture)


class DescribeButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-describe:(?P<image>[0-9a-f]{32}\.png)",
):
    """Say in words what this stored upload shows."""

    def __init__(self, image: str, label: str = "") -> None:
        super().__init__(
            ui.Button(label=label or None, emoji="💬", custom_id=f"atelier-describe:{image}")
        )
        self._image = image

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["image"])

    async def act(self, interaction: Interaction) -> None:
        """Answer with prompts."""
        await describe_upload(interaction, self._image)


CHOICE = PictureChoice(
    question=phrase("Which picture?"),
    nothing=phrase("Job {job} has no picture to describe."),
    verb="caption",
    button=lambda image, number: DescribeButton(
        image, say("Describe picture {number}", number=number)
    ),
    ephemeral=True,
)
