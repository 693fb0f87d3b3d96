"""Control pictures: what members attach to paint along, and the requests with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import discord
from discord.app_commands import Choice, Range

from cogs.context import Interaction
from cogs.requests.attachments import require_picture, store_image
from engine import (
    MAX_CONTROL_STRENGTH,
    Control,
    ControlKind,
    ImageRequest,
    InvalidRequest,
    Model,
    Studio,
)
from speech import phrase, say

READY = "-map"
"""What follows a kind in the value of a choice for a finished map."""

TYPE_NAMES = {
    "pose": phrase("Pose: how people stand"),
    "depth": phrase("Depth: what is near and far"),
    "edges": phrase("Edges: thin outlines (Canny)"),
    "lines": phrase("Lines: like a drawing"),
    "tile": phrase("Tile: shapes and colours, with new details"),
    "pose-map": phrase("Pose map, as it is"),
    "depth-map": phrase("Depth map, as it is"),
    "edges-map": phrase("Edge map, as it is"),
    "lines-map": phrase("Line drawing in white on black, as it is"),
}
"""Values of the option, and what members choose."""

CONTROL_TYPES = [Choice(name=name, value=value) for value, name in TYPE_NAMES.items()]
"""The choices of the option."""

ControlStrength = Range[float, 0.05, MAX_CONTROL_STRENGTH]
ControlShare = Range[float, 0.0, 1.0]

ModelOf = Callable[[ImageRequest], Model]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedControl:
    """The options of a command that say what to paint along.

    Attributes:
        picture: What the member attached.
        kind: Along what of it.
        ready: Whether it is such a map already.
        strength: As in `Control`, as are the next two.
    """

    picture: discord.Attachment
    kind: ControlKind
    ready: bool
    strength: float
    start: float
    end: float

    @classmethod
    def of(
        cls,
        picture: discord.Attachment | None,
        control_type: str | None,
        strength: float | None,
        start: float | None,
        end: float | None,
    ) -> "TypedControl | None":
        """What was typed; `None` if nothing was.

        Raises:
            InvalidRequest: The picture or its type is missing, or the numbers don't fit.
        """
        if picture is None:
            if any(option is not None for option in (control_type, strength, start, end)):
                raise InvalidRequest(
                    say("Control needs a picture to paint along. Send one as `control`.")
                )
            return None
        if control_type is None:
            raise InvalidRequest(
                say(
                    "Say along what of the control picture to paint: choose a `control_type`, such "
                    "as its pose or its edges."
                )
            )
        require_picture(picture)
        typed = cls(
            picture=picture,
            kind=ControlKind(control_type.removesuffix(READY)),
            ready=control_type.endswith(READY),
            strength=1.0 if strength is None else strength,
            start=start or 0.0,
            end=1.0 if end is None else end,
        )
        typed.named("").check()
        return typed

    def named(self, image: str) -> Control:
        """The control along the stored picture of that name."""
        return Control(
            image=image, kind=self.kind, strength=self.strength, start=self.start, end=self.end
        )

    def require(self, studio: Studio, requests: Sequence[ImageRequest], model_of: ModelOf) -> None:
        """Raise `InvalidRequest` unless the models of all requests can paint along it."""
        for model in {model.name: model for model in map(model_of, requests)}.values():
            studio.control_maps.require(self.kind, model, ready=self.ready)

    async def applied_to(
        self, interaction: Interaction, requests: Sequence[ImageRequest], model_of: ModelOf
    ) -> list[ImageRequest]:
        """The requests, painted along it: in its shape, unless another size was requested.

        Raises:
            InvalidRequest: The picture can't be downloaded, isn't one, or shows nobody to pose.
            LimitReached: The user has uploaded too much.
            ModelUnavailable: The network, or what makes the map, can't be had.
            StorageError: Something can't be written to disk.
        """
        studio = interaction.client.studio
        asked = self.named(await store_image(interaction, self.picture))
        painted = [(request, model_of(request)) for request in requests]
        return await studio.control_maps.applied_to(painted, asked, ready=self.ready)
