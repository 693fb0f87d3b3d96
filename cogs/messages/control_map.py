"""The map that pictures were painted along: small, below them, where it may be shown."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from discord import ui

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.encodings import Upload, encodings
from cogs.policy.nsfw import Exposure, preview_exposure
from engine import CONTROL_NAMES, ControlKind, InvalidRequest, Job
from speech import phrase, say

PAINTED_ALONG = phrase("Painted along: {kind}")


@dataclass(frozen=True, slots=True)
class ControlMap:
    """A map that may be shown in a message.

    Attributes:
        name: The file name of its attachment; without a suffix until its encoding is chosen.
        file: Where it is stored.
        kind: Along what of a picture it has others painted.
        spoiler: Whether it is hidden as a spoiler.
    """

    name: str
    file: Path
    kind: ControlKind
    spoiler: bool

    async def fitted(self, room: int) -> "FittedMap | None":
        """It in at most so many bytes; `None` if it doesn't fit, or is gone."""
        try:
            found = await asyncio.to_thread(next, encodings([self.file], room), None)
        except OSError:
            return None
        if found is None:
            return None
        name = self.name + Path(found[0].name).suffix
        return FittedMap(replace(self, name=name), replace(found[0], name=name))

    def section(self) -> ui.Section[ui.LayoutView]:
        """The map beside a line that says what it is."""
        text = say(PAINTED_ALONG, kind=say(CONTROL_NAMES[self.kind]))
        picture = ui.Thumbnail[ui.LayoutView](
            f"attachment://{self.name}", description=text, spoiler=self.spoiler
        )
        return ui.Section(f"-# 🗺️ {text}", accessory=picture)


class FittedMap(NamedTuple):
    """A map and the file to attach for it."""

    shown: ControlMap
    upload: Upload


async def control_map(
    bot: Client, job: Job, message_ref: MessageRef, exposure: Exposure
) -> ControlMap | None:
    """The map to show with a job's pictures, if there is one.

    A tile is none: it is the picture that the member sent, and nobody else is shown that. Finished
    maps come from members, too, so maps are checked like pictures.

    Args:
        bot: The client.
        job: The job.
        message_ref: Where its message is.
        exposure: How its pictures are shown there.
    """
    control = job.recipe.control
    if control is None or control.kind is ControlKind.TILE:
        return None
    try:
        file = bot.studio.control_maps.file(control)
    except InvalidRequest:  # no longer stored
        return None
    verdict = await bot.studio.safety.worst([file])
    own = await preview_exposure(bot, message_ref, verdict)
    if own.withheld:
        return None
    spoiler = bool(exposure.spoilered or own.spoilered)
    return ControlMap(f"map-{job.id}", file, control.kind, spoiler)
