"""Buttons that open more buttons for a picture: its other actions, zooming out, panning."""

from collections.abc import Iterator, Sequence

from discord import ui

from cogs.context import Interaction
from cogs.messages.picture_buttons import (
    CUTOUT_VERBS,
    DESCRIBE_VERBS,
    DETAIL_VERBS,
    INPAINT_VERBS,
    PAN_VERBS,
    RESIZE_VERBS,
    ZOOM_VERBS,
    ButtonRow,
    button_row,
    more_rows,
)
from cogs.policy.model_capabilities import (
    model_can_fix_details,
    model_can_inpaint,
    require_inpaint,
    some_model_edits,
)
from engine import Parent, ProcessKind, Recipe, Studio
from speech import say


async def more(interaction: Interaction, picture: Parent) -> None:
    """Open the buttons for which there is no room below the picture."""
    studio = interaction.client.studio
    job = await studio.job(picture.job_id)
    await reply_with_buttons(
        interaction,
        say("Picture {number} of job {job}", number=picture.number + 1, job=job.id),
        more_rows(picture, [*_not_for(studio, job.recipe)]),
    )


def _not_for(studio: Studio, recipe: Recipe) -> Iterator[str]:
    """The verbs that can't be applied to a picture of that recipe, or are in its first row."""
    if not some_model_edits(studio.models):
        yield "strong"
    if recipe.enlarged > 1:
        yield from RESIZE_VERBS
    if not model_can_inpaint(studio.models, recipe.model):
        yield from INPAINT_VERBS
    if not model_can_fix_details(studio.models, recipe.model):
        yield from DETAIL_VERBS
    cut_out = recipe.process is not None and recipe.process.kind is ProcessKind.BACKGROUND
    if cut_out or not studio.processes.networks.removes_backgrounds:
        yield from CUTOUT_VERBS
    if not studio.describer.enabled:
        yield from DESCRIBE_VERBS


async def zoom(interaction: Interaction, picture: Parent) -> None:
    """Choose how far to zoom out."""
    await _require_inpaint(interaction, picture)
    await reply_with_buttons(
        interaction,
        say("How far? The picture shrinks, and more is painted around it."),
        [button_row(ZOOM_VERBS, picture)],
    )


async def pan(interaction: Interaction, picture: Parent) -> None:
    """Choose a direction to pan."""
    await _require_inpaint(interaction, picture)
    await reply_with_buttons(
        interaction,
        say(
            "Which way? The picture grows by half. If that's more than its model can paint, "
            "the view shifts by half instead."
        ),
        [button_row(PAN_VERBS, picture)],
    )


async def _require_inpaint(interaction: Interaction, picture: Parent) -> None:
    studio = interaction.client.studio
    require_inpaint(studio.models[(await studio.job(picture.job_id)).recipe.model])


async def reply_with_buttons(
    interaction: Interaction, text: str, rows: Sequence[ButtonRow]
) -> None:
    """Answer with rows of buttons, visible only to the user."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text))
    for row in rows:
        view.add_item(row)
    await interaction.response.send_message(view=view, ephemeral=True)
