"""What opens more buttons for one picture: picking it, zooming out, panning."""

from collections.abc import Sequence

from discord import ui

from cogs.context import Interaction
from cogs.messages.picture_buttons import PANNING, ZOOMING, ButtonRow, button_row, rows_of
from cogs.policy.model_capabilities import model_can_inpaint, require_inpaint
from engine import Parent
from speech import say


async def choose(interaction: Interaction, picture: Parent) -> None:
    """Open one of several pictures with its own buttons."""
    studio = interaction.client.studio
    job = await studio.job(picture.job_id)
    fillable = model_can_inpaint(studio.models, job.recipe.model)
    rows = rows_of(picture, enlarged=job.recipe.enlarged > 1, fillable=fillable)
    await _offer(
        interaction,
        say("Picture {number} of job {job}", number=picture.number + 1, job=job.id),
        rows,
    )


async def zoom(interaction: Interaction, picture: Parent) -> None:
    """Choose how far to zoom out."""
    await _require_inpaint(interaction, picture)
    await _offer(
        interaction,
        say("How far? The picture shrinks, and more is painted around it."),
        [button_row(ZOOMING, picture)],
    )


async def pan(interaction: Interaction, picture: Parent) -> None:
    """Choose a direction to pan."""
    await _require_inpaint(interaction, picture)
    await _offer(
        interaction,
        say(
            "Which way? The picture grows by half. If that's more than its model can paint, "
            "the view shifts by half instead."
        ),
        [button_row(PANNING, picture)],
    )


async def _require_inpaint(interaction: Interaction, picture: Parent) -> None:
    studio = interaction.client.studio
    require_inpaint(studio.models[(await studio.job(picture.job_id)).recipe.model])


async def _offer(interaction: Interaction, text: str, rows: Sequence[ButtonRow]) -> None:
    """Show buttons to the person who clicked."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text))
    for row in rows:
        view.add_item(row)
    await interaction.response.send_message(view=view, ephemeral=True)
