"""From a result, go on: the buttons of each picture. They carry job and number alone."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.actions import outpaint as outwards
from cogs.actions import picture_actions as verbs
from cogs.actions.fill import show_parts
from cogs.policy.nsfw import require_shown
from cogs.policy.visibility import accessible_job
from cogs.requests.capabilities import model_can_inpaint, require_inpaint
from engine import Parent
from speech import phrase, say

if TYPE_CHECKING:
    from cogs.bot import Atelier

Act = Callable[["discord.Interaction[Atelier]", Parent], Awaitable[None]]

Row = ui.ActionRow[ui.LayoutView]


class PictureButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-picture:(?P<verb>[a-z]+):(?P<job_id>\d{1,19}):(?P<number>\d{1,2})",
):
    """A button that does `verb` to one picture of a job."""

    def __init__(self, verb: str, picture: Parent) -> None:
        label, emoji, self._act = VERBS[verb]
        super().__init__(
            ui.Button(
                label=say(label, number=picture.number + 1),
                emoji=emoji,
                custom_id=f"atelier-picture:{verb}:{picture.job_id}:{picture.number}",
            )
        )
        self._picture = picture

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], Parent(int(match["job_id"]), int(match["number"])))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do it, under the same policy and error handling as a command."""

        async def act() -> None:
            await accessible_job(interaction, self._picture.job_id)
            await require_shown(interaction, self._picture.job_id)
            await self._act(interaction, self._picture)

        await interaction.client.tree.guard(interaction, act)


async def choose(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Show what can be done with this one of several pictures."""
    studio = interaction.client.studio
    job = await studio.job(picture.job_id)
    fillable = model_can_inpaint(studio.models, job.recipe.model)
    rows = _rows(picture, enlarged=job.recipe.enlarged > 1, fillable=fillable)
    await _offer(
        interaction,
        say("Picture {number} of job {job}", number=picture.number + 1, job=job.id),
        rows,
    )


async def zoom(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Ask how far to zoom out."""
    await _require_filling(interaction, picture)
    await _offer(
        interaction,
        say("How far? The picture shrinks, and more is painted around it."),
        [_row(ZOOMING, picture)],
    )


async def move(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Ask in which direction to pan."""
    await _require_filling(interaction, picture)
    await _offer(
        interaction,
        say(
            "Which way? The picture grows by half. If that's more than its model can paint, "
            "the view shifts by half instead."
        ),
        [_row(PANNING, picture)],
    )


async def _require_filling(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    studio = interaction.client.studio
    require_inpaint(studio.models[(await studio.job(picture.job_id)).recipe.model])


async def _offer(
    interaction: "discord.Interaction[Atelier]", text: str, rows: Sequence[Row]
) -> None:
    """Show buttons to whoever clicked."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text))
    for row in rows:
        view.add_item(row)
    await interaction.response.send_message(view=view, ephemeral=True)


VERBS: dict[str, tuple[str, str, Act]] = {
    "subtle": (phrase("Vary (subtle)"), "🌱", verbs.subtle),
    "strong": (phrase("Vary (strong)"), "🌿", verbs.strong),
    "upscale": (phrase("Upscale 2×"), "🔍", verbs.upscale),
    "double": (phrase("Upscale 2× (fast)"), "⏩", verbs.double),
    "quadruple": (phrase("Upscale 4× (fast)"), "⏭️", verbs.quadruple),
    "start": (phrase("Use as start image"), "🖼️", verbs.start),
    "remix": (phrase("Remix"), "✏️", verbs.remix),
    "fill": (phrase("Inpaint"), "🪄", show_parts),
    "zoom": (phrase("Zoom out"), "🔭", zoom),
    "pan": (phrase("Pan"), "↔️", move),
    "details": (phrase("Details"), "🧾", verbs.details),
    "dm": (phrase("Send to DM"), "📬", verbs.keep),
    "choose": (phrase("Picture {number}"), "🖼️", choose),
    "begin": (phrase("Start from picture {number}"), "🖼️", verbs.start),
    "zoomsome": (phrase("Zoom out 1.5×"), "🔭", outwards.zoom_some),
    "zoomtwo": (phrase("Zoom out 2×"), "🔭", outwards.zoom_double),
    "left": (phrase("Pan left"), "⬅️", outwards.left),
    "right": (phrase("Pan right"), "➡️", outwards.right),
    "up": (phrase("Pan up"), "⬆️", outwards.up),
    "down": (phrase("Pan down"), "⬇️", outwards.down),
}
"""Each with its label, emoji and what it does. Old messages know them by these names."""

GOING_ON = (
    ("subtle", "strong", "upscale", "double", "quadruple"),
    ("start", "remix", "fill", "zoom", "pan"),
    ("details", "dm"),
)
"""The rows below one picture; Discord takes five in each."""

RESIZING = ("double", "quadruple")
FILLING = ("fill", "zoom", "pan")
ZOOMING = ("zoomsome", "zoomtwo")
PANNING = ("left", "right", "up", "down")


def picture_rows(job_id: int, count: int, *, enlarged: bool, fillable: bool) -> list[Row]:
    """The rows of buttons below `count` pictures: of one what it takes, of several a choice.

    Args:
        job_id: Whose pictures they are.
        count: How many there are.
        enlarged: Whether they are as large as plain resizing makes them.
        fillable: Whether their model can paint a part of a picture anew.
    """
    if count == 1:
        return _rows(Parent(job_id, 0), enlarged=enlarged, fillable=fillable)
    row: Row = ui.ActionRow()
    for number in range(count):
        row.add_item(PictureButton("choose", Parent(job_id, number)))
    return [row]


def _rows(picture: Parent, *, enlarged: bool, fillable: bool) -> list[Row]:
    left_out = (RESIZING if enlarged else ()) + (() if fillable else FILLING)
    return [_row([verb for verb in verbs if verb not in left_out], picture) for verbs in GOING_ON]


def _row(verbs: Sequence[str], picture: Parent) -> Row:
    row: Row = ui.ActionRow()
    for verb in verbs:
        row.add_item(PictureButton(verb, picture))
    return row
