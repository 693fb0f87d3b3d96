"""Control: a map (a pose, a depth map, edges, …) that a picture is painted along."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from engine.errors import InvalidRequest
from speech import say

MAX_STRENGTH = 2.0
"""The largest strength of a control; 1 is as its network was trained."""


class ControlKind(StrEnum):
    """A kind of map. The values are part of stored recipes and of the settings."""

    POSE = "pose"
    """The joints of people, as coloured sticks on black (OpenPose)."""
    DEPTH = "depth"
    """How near each pixel is: white is nearest."""
    EDGES = "edges"
    """Where brightness changes, as thin white lines on black (Canny)."""
    LINES = "lines"
    """A drawing in white lines on black."""
    TILE = "tile"
    """The picture itself, whose colours and shapes stay while its details are painted anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a picture is painted along.

    Attributes:
        image: Name of the stored upload that holds the map. One of another shape than the picture
            is cropped to the middle.
        kind: What it shows.
        strength: Weight of the control, above 0 to `MAX_STRENGTH`.
        start: Share of the steps after which it begins to count, 0 to 1.
        end: Share of the steps until which it counts, after `start` up to 1.
        network: The control network by its name in the settings; empty before it is chosen.
    """

    image: str
    kind: ControlKind
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    network: str = ""

    def counts(self, step: int, total_steps: int) -> bool:
        """Whether it counts at a step, of so many, as in Diffusers' ControlNet pipelines."""
        return not (step / total_steps < self.start or (step + 1) / total_steps > self.end)

    def check(self) -> None:
        """Raise `InvalidRequest` unless its numbers are within their limits."""
        if not 0 < self.strength <= MAX_STRENGTH:  # also refuses NaN
            raise InvalidRequest(
                say(
                    "The strength of the control must be above 0 and at most {most}, not {value}.",
                    most=MAX_STRENGTH,
                    value=self.strength,
                )
            )
        if not 0 <= self.start < self.end <= 1:
            raise InvalidRequest(
                say(
                    "The control must start before it ends, both between 0 and 1. It starts at "
                    "{start} and ends at {end}.",
                    start=self.start,
                    end=self.end,
                )
            )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """What was stored with a recipe.

        Raises:
            ValueError: When a value isn't of its kind, or this version doesn't know it.
            TypeError: When a value is missing, or this version doesn't know it.
        """
        if not isinstance(value, dict):
            raise TypeError("control")
        control = cls(**value | {"kind": ControlKind(value.get("kind", ""))})
        if not isinstance(control.image, str) or not isinstance(control.network, str):
            raise ValueError("image and network are names")
        numbers = (control.strength, control.start, control.end)
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
            raise ValueError("strength, start or end")
        try:
            control.check()
        except InvalidRequest as error:
            raise ValueError("strength, start or end") from error
        return control
