"""Buttons that open more buttons for a picture: its other actions, zooming out, panning."""

from collections.abc import Sequence

from discord import ui

from cogs.context import Interaction
from cogs.messages.picture_buttons import (
    PAN_VERBS,
    ZOOM_VERBS,
    ButtonRow,
    button_row,
    more_rows,
)
from cogs.policy.model_capabilities import model_can_inpaint, require_inpaint
from engine import Parent
from speech import say


async def more(interaction: Interaction, picture: Parent) -> None:
    """Open the buttons for which there is no room below the picture."""
    studio = interaction.client.studio
    job = await studio.job(picture.job_id)
    inpaintable = model_can_inpaint(studio.models, job.recipe.model)
    await _reply_with_buttons(
        interaction,
        say("Picture {number} of job {job}", number=picture.number + 1, job=job.id),
        more_rows(picture, enlarged=job.recipe.enlarged > 1, inpaintable=inpaintable),
    )


async def zoom(interaction: Interaction, picture: Parent) -> None:
    """Choose how far to zoom out."""
    await _require_inpaint(interaction, picture)
    await _reply_with_buttons(
        interaction,
        say("How far? The picture shrinks, and more is painted around it."),
        [button_row(ZOOM_VERBS, picture)],
    )


async def pan(interaction: Interaction, picture: Parent) -> None:
    """Choose a direction to pan."""
    await _require_inpaint(interaction, picture)
    await _reply_with_buttons(
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


async def _reply_with_buttons(
    interaction: Interaction, text: str, rows: Sequence[ButtonRow]
) -> None:
    """Answer with rows of buttons, visible only to the user."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text))
    for row in rows:
        view.add_item(row)
    await interaction.response.send_message(view=view, ephemeral=True)
