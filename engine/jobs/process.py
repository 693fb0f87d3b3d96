"""What is done with a finished picture, instead of painting one from noise."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self


class ProcessKind(StrEnum):
    """A kind of work on a finished picture."""

    UPSCALE = "upscale"
    """A network enlarges it."""
    BACKGROUND = "background"
    """A network tells its subject from its background, which becomes transparent."""
    DETAILS = "details"
    """A part of it is painted again at a larger size and put back."""


class Region(NamedTuple):
    """A part of a picture that is painted again.

    Attributes:
        parts: Which of `engine.images.canvas.PARTS` change.
        box: Left, top, right and bottom of what is painted: the parts with a margin, pixels.
        width: At which size it is painted, pixels.
        height: The same.
        strength: How much it may change, above 0 to 1.
    """

    parts: tuple[int, ...]
    box: tuple[int, int, int, int]
    width: int
    height: int
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What is done with a finished picture.

    Attributes:
        kind: What.
        image: Name of the stored upload that holds the picture as it was.
        network: The upscaler by its name in the settings, or the segmentation model.
        region: Which part is painted again; only of `DETAILS`.
    """

    kind: ProcessKind
    image: str
    network: str = ""
    region: Region | None = None

    @property
    def paints(self) -> bool:
        """Whether the model of the recipe paints; otherwise a network of its own does the work."""
        return self.region is not None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """What was stored with the recipe.

        Raises:
            ValueError: When a value isn't of its kind, or this version doesn't know it.
            TypeError: When a value is missing, or this version doesn't know it.
        """
        if not isinstance(value, dict):
            raise TypeError("process")
        kind = ProcessKind(value.get("kind", ""))
        process = cls(**value | {"kind": kind, "region": _region(value)})
        if (process.region is None) == (process.kind is ProcessKind.DETAILS):
            raise ValueError("a region belongs to a detail pass")
        if not isinstance(process.image, str) or not isinstance(process.network, str):
            raise ValueError("image and network are names")
        return process


def _region(value: dict[str, Any]) -> Region | None:
    if value.get("region") is None:
        return None
    parts, box, width, height, strength = value["region"]
    numbers = (*parts, *box, width, height)
    if not all(isinstance(number, int) for number in numbers) or len(box) != 4:
        raise ValueError("parts, box or size")
    if not isinstance(strength, float | int) or not 0 < strength <= 1 or min(width, height) < 1:
        raise ValueError("strength or size")
    left, top, right, bottom = box
    if not (0 <= left < right and 0 <= top < bottom):
        raise ValueError("box")
    return Region(tuple(parts), (left, top, right, bottom), width, height, float(strength))
