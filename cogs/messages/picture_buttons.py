"""Buttons under a picture. Their ids hold only the job and the picture's number."""

import re
from collections.abc import Sequence
from typing import Any, Self

from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.policy.nsfw import require_shown
from cogs.policy.visibility import accessible_job
from engine import Parent
from speech import phrase, say

ButtonRow = ui.ActionRow[ui.LayoutView]


class PictureActions(ActionRegistry[Parent]):
    """What the buttons of a picture do."""


BUTTONS: dict[str, tuple[str, str]] = {
    "subtle": (phrase("Vary (subtle)"), "🌱"),
    "strong": (phrase("Vary (strong)"), "🌿"),
    "upscale": (phrase("Upscale 2×"), "🔍"),
    "double": (phrase("Upscale 2× (fast)"), "⏩"),
    "quadruple": (phrase("Upscale 4× (fast)"), "⏭️"),
    "start": (phrase("Use as start image"), "🖼️"),
    "remix": (phrase("Remix"), "✏️"),
    "fill": (phrase("Inpaint"), "🪄"),
    "zoom": (phrase("Zoom out"), "🔭"),
    "pan": (phrase("Pan"), "↔️"),
    "details": (phrase("Details"), "🧾"),
    "dm": (phrase("Send to DM"), "📬"),
    "choose": (phrase("Picture {number}"), "🖼️"),
    "begin": (phrase("Start from picture {number}"), "🖼️"),
    "zoomsome": (phrase("Zoom out 1.5×"), "🔭"),
    "zoomtwo": (phrase("Zoom out 2×"), "🔭"),
    "left": (phrase("Pan left"), "⬅️"),
    "right": (phrase("Pan right"), "➡️"),
    "up": (phrase("Pan up"), "⬆️"),
    "down": (phrase("Pan down"), "⬇️"),
}
"""Label and emoji by verb. Old messages know the verbs."""


class PictureButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-picture:(?P<verb>[a-z]+):(?P<job_id>\d{1,19}):(?P<number>\d{1,2})",
):
    """A button that does `verb` to one picture of a job."""

    def __init__(self, verb: str, picture: Parent) -> None:
        label, emoji = BUTTONS[verb]
        super().__init__(
            ui.Button(
                label=say(label, number=picture.number + 1),
                emoji=emoji,
                custom_id=f"atelier-picture:{verb}:{picture.job_id}:{picture.number}",
            )
        )
        self._verb, self._picture = verb, picture

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], Parent(int(match["job_id"]), int(match["number"])))

    async def act(self, interaction: Interaction) -> None:
        """Do it to a picture that the person may look at."""
        await accessible_job(interaction, self._picture.job_id)
        await require_shown(interaction, self._picture.job_id)
        actions = interaction.client.services[PictureActions]
        await actions.run(self._verb, interaction, self._picture)


RESULT_ROWS = (
    ("subtle", "strong", "upscale", "double", "quadruple"),
    ("start", "remix", "fill", "zoom", "pan"),
    ("details", "dm"),
)
"""The rows below one picture; Discord takes five in each."""

RESIZING = ("double", "quadruple")
FILLING = ("fill", "zoom", "pan")
ZOOMING = ("zoomsome", "zoomtwo")
PANNING = ("left", "right", "up", "down")


def picture_rows(job_id: int, count: int, *, enlarged: bool, fillable: bool) -> list[ButtonRow]:
    """The rows of buttons below `count` pictures: of one what it takes, of several a choice.

    Args:
        job_id: Whose pictures they are.
        count: How many there are.
        enlarged: Whether they are as large as plain resizing makes them.
        fillable: Whether their model can paint a part of a picture anew.
    """
    if count == 1:
        return rows_of(Parent(job_id, 0), enlarged=enlarged, fillable=fillable)
    row: ButtonRow = ui.ActionRow()
    for number in range(count):
        row.add_item(PictureButton("choose", Parent(job_id, number)))
    return [row]


def rows_of(picture: Parent, *, enlarged: bool, fillable: bool) -> list[ButtonRow]:
    """The buttons of one picture, as far as they make sense for it."""
    left_out = (RESIZING if enlarged else ()) + (() if fillable else FILLING)
    return [
        button_row([verb for verb in verbs if verb not in left_out], picture)
        for verbs in RESULT_ROWS
    ]


def button_row(verbs: Sequence[str], picture: Parent) -> ButtonRow:
    """Buttons of one picture, side by side."""
    row: ButtonRow = ui.ActionRow()
    for verb in verbs:
        row.add_item(PictureButton(verb, picture))
    return row
