"""Context menus of messages with pictures. Use their settings, start from them, or show details."""

import re
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.actions.details import code_block
from cogs.actions.metadata import (
    fit_to_models,
    pictures_in,
    request_in_message,
    unused_in,
)
from cogs.actions.modals import init_image_modal, settings_modal, upload_modal
from cogs.actions.picture_actions import remix
from cogs.actions.picture_choice import MAX_PICTURES, PictureChoice
from cogs.context import Client, Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.messages.shown_job import job_id_of
from cogs.policy.contexts import anywhere
from cogs.policy.model_capabilities import require_img2img
from cogs.policy.request_context import request_context
from cogs.policy.visibility import accessible_job
from cogs.requests.attachments import require_picture, uploaded
from cogs.requests.builder import default_model
from engine import (
    InvalidRequest,
    Parent,
    PictureSettings,
    human_size,
    parameters,
    parse_parameters,
)
from speech import phrase, say

NO_SETTINGS = phrase("no settings found")

MAX_NOTES = 550
"""Characters of the notes below a picture's settings."""


class ContextMenus(commands.Cog):
    """Three commands in the menu of every message."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._studio = bot.studio
        self._menus = [
            anywhere(app_commands.ContextMenu(name=name, callback=callback))
            for name, callback in (
                ("Use these settings", self.use_settings),
                ("Use as start image", self.use_as_start),
                ("Picture details", self.details),
            )
        ]

    async def cog_load(self) -> None:
        """Add the menus: discord.py has no decorator for those of a cog."""
        for menu in self._menus:
            self._bot.tree.add_command(menu)

    async def use_settings(self, interaction: Interaction, message: discord.Message) -> None:
        """Paint with the settings stored in the message's picture."""
        job_id = job_id_of(message, interaction.client.user)
        if job_id is not None:
            await accessible_job(interaction, job_id)
            await remix(interaction, Parent(job_id, 0))
            return
        pictures = pictures_in(message)[:MAX_PICTURES]
        await interaction.response.defer(ephemeral=True, thinking=True)
        failed: InvalidRequest | None = None
        for attachment in pictures:
            try:
                settings = await _settings(interaction, attachment)
            except InvalidRequest as error:
                failed = failed or error
                continue
            if settings is None:
                continue
            if settings.text:
                await self._offer(interaction, settings)
                return
            failed = failed or InvalidRequest(settings.notes[0])
        raise failed or InvalidRequest(
            say(
                "This picture has no settings in it. Discord, or the person who posted it, may "
                "have removed them. “Use as start image” works from the picture itself."
            )
        )

    async def _offer(self, interaction: Interaction, settings: PictureSettings) -> None:
        """Show the settings with a button, and say what of them isn't used."""
        default = default_model(await request_context(interaction))
        request = parse_parameters(settings.text)
        fitted = fit_to_models(request, self._studio.models, default)
        notes = discord.utils.escape_markdown(
            " ".join([*settings.notes, *unused_in(request, fitted, self._studio.models)])
        )
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        row.add_item(SettingsButton())
        below: list[ui.Item[ui.LayoutView]] = [row]
        if notes:
            below.insert(0, ui.TextDisplay(f"-# {notes[:MAX_NOTES]}"))
        await interaction.edit_original_response(
            view=code_block(settings.text, *below),
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def use_as_start(self, interaction: Interaction, message: discord.Message) -> None:
        """Paint from the message's picture (img2img)."""
        job_id = job_id_of(message, interaction.client.user)
        if job_id is None:
            pictures = pictures_in(message)
            require_img2img(default_model(await request_context(interaction)))
            await START.of_attachments(interaction, pictures)
            return
        job = await accessible_job(interaction, job_id)
        require_img2img(self._studio.models[job.recipe.model])
        if (picture := await START.of_job(interaction, job)) is not None:
            await interaction.response.send_modal(init_image_modal(picture, job.recipe.prompt))

    async def details(self, interaction: Interaction, message: discord.Message) -> None:
        """Show file facts and settings of the message's pictures, only to you."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        job_id = job_id_of(message, interaction.client.user)
        if job_id is not None:
            recipe = (await accessible_job(interaction, job_id)).recipe
            texts = [parameters(recipe, seed) for seed in recipe.seeds]
        else:
            pictures = pictures_in(message)[:MAX_PICTURES]
            texts = [await _describe(interaction, each, len(pictures) == 1) for each in pictures]
        await interaction.edit_original_response(
            view=code_block("\n\n".join(texts)), allowed_mentions=discord.AllowedMentions.none()
        )


class SettingsButton(
    Persistent, ui.DynamicItem[ui.Button[Any]], template=r"atelier-settings:change"
):
    """Change the settings shown in its message and paint with them."""

    def __init__(self) -> None:
        super().__init__(
            ui.Button(
                label=say("Paint with these settings"),
                emoji="✏️",
                custom_id="atelier-settings:change",
            )
        )

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls()

    async def act(self, interaction: Interaction) -> None:
        """Open the modal."""
        studio = interaction.client.studio
        assert interaction.message is not None, "the button is on a message"
        model = default_model(await request_context(interaction))
        request = fit_to_models(request_in_message(interaction.message), studio.models, model)
        await interaction.response.send_modal(settings_modal(request))


class StartButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-upload:(?P<image>[0-9a-f]{32}\.png)",
):
    """Ask for a prompt and start from this picture."""

    def __init__(self, image: str, label: str = "") -> None:
        super().__init__(
            ui.Button(label=label or None, emoji="🖼️", custom_id=f"atelier-upload:{image}")
        )
        self._image = image

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["image"])

    async def act(self, interaction: Interaction) -> None:
        """Open the modal."""
        await interaction.response.send_modal(upload_modal(self._image))


START = PictureChoice(
    question=phrase("Pick a start image, then describe the result:"),
    nothing=phrase("Job {job} has no picture to start from."),
    verb="begin",
    button=lambda image, number: StartButton(
        image, say("Start from picture {number}", number=number)
    ),
)


async def _settings(
    interaction: Interaction, attachment: discord.Attachment
) -> PictureSettings | None:
    """The settings stored in the attachment, if there are any."""
    require_picture(attachment)
    async with uploaded(interaction, attachment) as data:
        return await interaction.client.studio.init_images.settings(data)


async def _describe(interaction: Interaction, attachment: discord.Attachment, alone: bool) -> str:
    """Name, size and settings of a picture that isn't from the bot.

    Raises:
        InvalidRequest: When it's `alone` and can't be read.
    """
    facts = [attachment.filename, f"{attachment.width}×{attachment.height}"]
    facts.append(human_size(attachment.size))
    try:
        settings = await _settings(interaction, attachment)
    except InvalidRequest as error:
        if alone:
            raise
        settings = PictureSettings("", (error.sentence,))
    lines = [settings.text, *settings.notes] if settings else [say(NO_SETTINGS)]
    return "\n".join([" · ".join(facts), *(line for line in lines if line)])
