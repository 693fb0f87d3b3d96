"""What reference pictures are used for, and how much, where an IP-Adapter shows them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

USUAL_WEIGHT = 100
MAX_WEIGHT = 1000
"""Midjourney's weights of `--sref` and `--oref` are from 0 to this."""


class PictureKind(StrEnum):
    """What a reference picture is used for."""

    PICTURE = "picture"
    """All that is in it, as in a blend."""
    STYLE = "style"
    SUBJECT = "subject"


class ReferenceUse(NamedTuple):
    """What one reference picture is used for, and its weight, 0 to `MAX_WEIGHT`."""

    kind: PictureKind = PictureKind.PICTURE
    weight: int = USUAL_WEIGHT

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Self:
        """What was stored. Raises `ValueError` or `TypeError` when it isn't that."""
        kind, weight = value
        if not isinstance(weight, int) or not 0 <= weight <= MAX_WEIGHT:
            raise ValueError("weight of a reference")
        return cls(PictureKind(kind), weight)
