"""Inpainting and details. Members choose the parts on a picture divided into nine."""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import Any, Self

import discord
from discord import ui

from cogs.actions.modals import inpaint_modal
from cogs.context import Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.policy.model_capabilities import (
    model_can_fix_details,
    model_can_inpaint,
    require_details,
    require_inpaint,
)
from cogs.policy.nsfw import exposure_to_user, require_shown
from cogs.policy.visibility import accessible_job
from cogs.requests.submission import Submission
from engine import PARTS, InvalidRequest, Job, Parent
from speech import phrase, say

PARTS_IMAGE = "parts.webp"
"""The file name of the picture with its numbered parts."""

PART_NAMES = (
    phrase("Top left"),
    phrase("Top"),
    phrase("Top right"),
    phrase("Left"),
    phrase("Middle"),
    phrase("Right"),
    phrase("Bottom left"),
    phrase("Bottom"),
    phrase("Bottom right"),
)
"""The names of `PARTS`, in the same order."""

MASK = "mask"
"""Stands in custom IDs for the parts when the user uploads a mask instead."""


class PartSelect(
    Persistent,
    ui.DynamicItem[ui.Select[Any]],
    template=r"atelier-parts:(?P<job_id>\d{1,19}):(?P<number>\d{1,2})",
):
    """Choose parts of the picture."""

    def __init__(self, picture: Parent, chosen: Collection[int]) -> None:
        options = [
            discord.SelectOption(
                label=say(PART_NAMES[part - 1]),
                value=str(part),
                emoji=f"{part}\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}",
                default=part in chosen,
            )
            for part in PARTS
        ]
        super().__init__(
            ui.Select(
                custom_id=f"atelier-parts:{picture.job_id}:{picture.number}",
                placeholder=say("Parts to repaint…"),
                min_values=0,
                max_values=len(options),
                options=options,
            )
        )
        self._picture = picture

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The menu from its custom ID."""
        return cls(Parent(int(match["job_id"]), int(match["number"])), ())

    async def act(self, interaction: Interaction) -> None:
        """Show the parts that were picked."""
        await interaction.response.defer()
        await _show_parts(interaction, self._picture, {int(value) for value in self.item.values})


class InpaintButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-fill:(?P<job_id>\d{1,19}):(?P<number>\d{1,2}):(?P<parts>[1-9]{0,9}|mask)",
):
    """Ask what to paint in the chosen parts, or where an uploaded mask is white."""

    def __init__(self, picture: Parent, parts: str) -> None:
        masked = parts == MASK
        super().__init__(
            ui.Button(
                label=say("Use my own mask") if masked else say("Repaint these parts"),
                emoji="🎭" if masked else "🪄",
                style=discord.ButtonStyle.secondary if masked else discord.ButtonStyle.primary,
                custom_id=f"atelier-fill:{picture.job_id}:{picture.number}:{parts}",
                disabled=not parts,
            )
        )
        self._picture = picture
        self._parts = parts

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(Parent(int(match["job_id"]), int(match["number"])), match["parts"])

    async def act(self, interaction: Interaction) -> None:
        """Open the modal."""
        recipe = (await accessible_job(interaction, self._picture.job_id)).recipe
        require_inpaint(interaction.client.studio.models[recipe.model])
        modal = inpaint_modal(self._picture, self._parts, recipe)
        await interaction.response.send_modal(modal)


class DetailButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-refine:(?P<job_id>\d{1,19}):(?P<number>\d{1,2}):(?P<parts>[1-9]{0,9})",
):
    """Paint the chosen parts again, larger, so that they have more details."""

    def __init__(self, picture: Parent, parts: str) -> None:
        super().__init__(
            ui.Button(
                label=say("Fix details"),
                emoji="✨",
                custom_id=f"atelier-refine:{picture.job_id}:{picture.number}:{parts}",
                disabled=not parts,
            )
        )
        self._picture = picture
        self._parts = parts

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(Parent(int(match["job_id"]), int(match["number"])), match["parts"])

    async def act(self, interaction: Interaction) -> None:
        """Queue the work."""
        studio = interaction.client.studio
        job = await accessible_job(interaction, self._picture.job_id)
        await require_shown(interaction, job)
        model = studio.models[job.recipe.model]
        require_details(model)
        parts = sorted({int(part) for part in self._parts})
        if not parts:
            raise InvalidRequest(say("Choose at least one part first."))
        fix = partial(studio.processes.fix_details, self._picture, parts, model)
        await interaction.client.services[Submission].process(interaction, self._picture, fix)


async def choose_details(interaction: Interaction, picture: Parent) -> None:
    """Choose parts of the picture whose details to paint again, larger."""
    studio = interaction.client.studio
    require_details(studio.models[(await studio.job(picture.job_id)).recipe.model])
    await interaction.response.defer(ephemeral=True, thinking=True)
    await _show_parts(interaction, picture, ())


async def choose_parts(interaction: Interaction, picture: Parent) -> None:
    """Choose parts of the picture to repaint, or upload a mask."""
    studio = interaction.client.studio
    require_inpaint(studio.models[(await studio.job(picture.job_id)).recipe.model])
    await interaction.response.defer(ephemeral=True, thinking=True)
    await _show_parts(interaction, picture, ())


async def _show_parts(interaction: Interaction, picture: Parent, chosen: Collection[int]) -> None:
    """Show the picture with its parts in the deferred answer."""
    job = await accessible_job(interaction, picture.job_id)
    await require_shown(interaction, job)
    hidden = picture.number in (await exposure_to_user(interaction, job)).spoilered
    image = await interaction.client.studio.init_images.draw_parts(picture, chosen)
    await interaction.edit_original_response(
        view=_view(picture, chosen, _buttons(interaction, job, picture, chosen), hidden=hidden),
        attachments=[discord.File(BytesIO(image), filename=PARTS_IMAGE)],
    )


def _buttons(
    interaction: Interaction, job: Job, picture: Parent, chosen: Collection[int]
) -> Iterator[ui.Item[Any]]:
    """What can be done with the chosen parts."""
    models, parts = interaction.client.studio.models, "".join(map(str, sorted(chosen)))
    if model_can_inpaint(models, job.recipe.model):
        yield InpaintButton(picture, parts)
        yield InpaintButton(picture, MASK)
    if model_can_fix_details(models, job.recipe.model):
        yield DetailButton(picture, parts)


def _view(
    picture: Parent,
    chosen: Collection[int],
    items: Iterable[ui.Item[Any]],
    *,
    hidden: bool,
) -> ui.LayoutView:
    menu: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    menu.add_item(PartSelect(picture, chosen))
    buttons: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for each in items:
        buttons.add_item(each)
    item = discord.MediaGalleryItem(
        f"attachment://{PARTS_IMAGE}",
        description=say("The picture divided into nine numbered parts"),
        spoiler=hidden,
    )
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(say("Choose the parts to repaint. The rest stays as it is.")))
    view.add_item(ui.MediaGallery(item))
    view.add_item(menu)
    view.add_item(buttons)
    return view
