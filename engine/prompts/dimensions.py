"""A picture's size or aspect ratio as people write it: “768x512” or “3:2”."""

import re
import unicodedata
from dataclasses import dataclass

from engine.errors import InvalidRequest
from engine.models.model import Model
from speech import say


@dataclass(frozen=True, slots=True)
class Dimensions:
    """A width and a height, in pixels or as a ratio."""

    width: float
    height: float
    in_pixels: bool

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.width:g}{'x' if self.in_pixels else ':'}{self.height:g}"

    def sides(self, model: Model) -> tuple[int, int]:
        """Width and height in pixels for `model`.

        Raises:
            InvalidRequest: When the model can't paint that aspect ratio.
        """
        if self.in_pixels:
            return int(self.width), int(self.height)
        width, height = model.sides(self.width / self.height)
        if min(width, height) < model.min_side:
            raise InvalidRequest(
                say(
                    "{model} can't paint anything as narrow as {shape}. Its sides are {least} "
                    "to {most} pixels.",
                    model=model.name,
                    shape=str(self),
                    least=model.min_side,
                    most=model.max_side,
                )
            )
        return width, height


def parse_dimensions(text: str) -> Dimensions | None:
    """The size or aspect ratio that `text` gives; `None` if it gives none."""
    text = unicodedata.normalize("NFKC", text).replace("∶", ":").strip()
    number = r"(\d{1,5}(?:\.\d{1,3})?)"
    if sides := re.fullmatch(r"(\d{1,5})[x×*](\d{1,5})", text.lower()):
        return Dimensions(int(sides[1]), int(sides[2]), in_pixels=True)
    if sides := re.fullmatch(rf"{number}[:/]{number}", text):
        width, height = float(sides[1]), float(sides[2])
        return Dimensions(width, height, in_pixels=False) if width and height else None
    return None
