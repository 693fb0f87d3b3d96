"""Buttons under a picture. Their ids hold only the job and the picture's number."""

import re
from collections.abc import Collection, Sequence
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
    """The handlers of a picture's buttons."""


BUTTONS: dict[str, tuple[str, str]] = {
    "subtle": (phrase("Vary (subtle)"), "🌱"),
    "strong": (phrase("Vary (strong)"), "🌿"),
    "upscale": (phrase("Upscale 2×"), "🔍"),
    "double": (phrase("Upscale 2× (fast)"), "⏩"),
    "quadruple": (phrase("Upscale 4× (fast)"), "⏭️"),
    "start": (phrase("Use as start image"), "🖼️"),
    "remix": (phrase("Remix"), "✏️"),
    "edit": (phrase("Edit"), "🖌️"),
    "fill": (phrase("Inpaint"), "🪄"),
    "refine": (phrase("Fix details"), "✨"),
    "zoom": (phrase("Zoom out"), "🔭"),
    "pan": (phrase("Pan"), "↔️"),
    "cutout": (phrase("Remove background"), "✂️"),
    "describe": (phrase("Describe"), "💬"),
    "details": (phrase("Details"), "🧾"),
    "dm": (phrase("Send to DM"), "📬"),
    "more": (phrase("More…"), "➕"),
    "choose": (phrase("Picture {number}"), "🖼️"),
    "change": (phrase("Edit picture {number}"), "🖌️"),
    "caption": (phrase("Describe picture {number}"), "💬"),
    "begin": (phrase("Start from picture {number}"), "🖼️"),
    "zoomsome": (phrase("Zoom out 1.5×"), "🔭"),
    "zoomtwo": (phrase("Zoom out 2×"), "🔭"),
    "left": (phrase("Pan left"), "⬅️"),
    "right": (phrase("Pan right"), "➡️"),
    "up": (phrase("Pan up"), "⬆️"),
    "down": (phrase("Pan down"), "⬇️"),
}
"""Label and emoji by verb. The verbs must stay: old messages hold them."""


class PictureButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-picture:(?P<verb>[a-z]+):(?P<job_id>\d{1,19}):(?P<number>\d{1,2})",
):
    """A button that applies `verb` to one picture of a job."""

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
        """Apply the verb to a picture that the user may see."""
        job = await accessible_job(interaction, self._picture.job_id)
        await require_shown(interaction, job)
        actions = interaction.client.services[PictureActions]
        await actions.run(self._verb, interaction, self._picture)


FIRST_ROW = ("subtle", "strong", "upscale", "remix")
"""The row below one picture; it fits into one line of Discord's, “More…” into the next."""

EDITABLE_ROW = ("subtle", "upscale", "remix", "edit")
"""The same, where some model can edit; `strong` is behind “More…” there."""

MORE_ROWS = (
    ("strong", "double", "quadruple", "start"),
    ("fill", "refine", "zoom", "pan"),
    ("cutout", "describe", "details", "dm"),
)
"""The rows that “More…” opens."""

RESIZE_VERBS = ("double", "quadruple")
INPAINT_VERBS = ("fill", "zoom", "pan")
DETAIL_VERBS = ("refine",)
CUTOUT_VERBS = ("cutout",)
DESCRIBE_VERBS = ("describe",)
ZOOM_VERBS = ("zoomsome", "zoomtwo")
PAN_VERBS = ("left", "right", "up", "down")


def picture_row(job_id: int, count: int, *, editable: bool) -> ButtonRow:
    """The buttons below `count` pictures: those of a single one, or a choice between several.

    Args:
        job_id: Their job.
        count: How many pictures it has.
        editable: Whether some model can edit them by words.
    """
    if count == 1:
        return button_row(EDITABLE_ROW if editable else FIRST_ROW, Parent(job_id, 0))
    row: ButtonRow = ui.ActionRow()
    for number in range(count):
        row.add_item(PictureButton("choose", Parent(job_id, number)))
    return row


def more_rows(picture: Parent, hidden: Collection[str]) -> list[ButtonRow]:
    """The other buttons of one picture, without those that don't apply to it."""
    rows = ([verb for verb in verbs if verb not in hidden] for verbs in MORE_ROWS)
    return [button_row(verbs, picture) for verbs in rows if verbs]


def button_row(verbs: Sequence[str], picture: Parent) -> ButtonRow:
    """A row of buttons of one picture."""
    row: ButtonRow = ui.ActionRow()
    for verb in verbs:
        row.add_item(PictureButton(verb, picture))
    return row
