"""“Edit this picture”, in the menu of every message."""

import re
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.actions.metadata import pictures_in
from cogs.actions.modals import edit_modal
from cogs.actions.picture_choice import PictureChoice
from cogs.context import Client, Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.messages.shown_job import job_id_of
from cogs.policy.contexts import anywhere
from cogs.policy.request_context import request_context
from cogs.policy.visibility import accessible_job
from cogs.requests.editing import require_editing_model
from speech import phrase, say


class EditMenu(commands.Cog):
    """The command in the menu of every message."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._menu = anywhere(
            app_commands.ContextMenu(name="Edit this picture", callback=self.edit_this)
        )

    async def cog_load(self) -> None:
        """Add the menu: discord.py has no decorator for those of a cog."""
        self._bot.tree.add_command(self._menu)

    async def edit_this(self, interaction: Interaction, message: discord.Message) -> None:
        """Edit the message's picture by words."""
        require_editing_model(await request_context(interaction))
        job_id = job_id_of(message, interaction.client.user)
        if job_id is None:
            await CHOICE.of_attachments(interaction, pictures_in(message))
            return
        picture = await CHOICE.of_job(interaction, await accessible_job(interaction, job_id))
        if picture is not None:
            await interaction.response.send_modal(edit_modal(picture))


class EditButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-edit:(?P<image>[0-9a-f]{32}\.png)",
):
    """Ask what to change in this stored upload."""

    def __init__(self, image: str, label: str = "") -> None:
        super().__init__(
            ui.Button(label=label or None, emoji="🖌️", custom_id=f"atelier-edit:{image}")
        )
        self._image = image

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["image"])

    async def act(self, interaction: Interaction) -> None:
        """Open the modal."""
        await interaction.response.send_modal(edit_modal(self._image))


CHOICE = PictureChoice(
    question=phrase("Pick a picture, then say what to change:"),
    nothing=phrase("Job {job} has no picture to edit."),
    verb="change",
    button=lambda image, number: EditButton(image, say("Edit picture {number}", number=number)),
)
