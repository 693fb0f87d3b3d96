"""A pen that draws in a unit box, and the layer it draws on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from training.palette import Rgb, darker, lighter

if TYPE_CHECKING:
    from collections.abc import Iterable

Point = tuple[float, float]


class Pen:
    """Draws one thing on a layer of its own; both axes run from -1 to 1, y downwards."""

    def __init__(self, side: int, colour: Rgb) -> None:
        self.margin = 6
        self.side = side
        self.main = colour
        self.dark = darker(colour)
        self.light = lighter(colour)
        size = side + 2 * self.margin
        self.layer = Image.new("RGBA", (size, size), (*self.dark, 0))
        self._draw = ImageDraw.Draw(self.layer)

    def _pixel(self, point: Point) -> Point:
        x, y = point
        half = self.side / 2
        return self.margin + (x + 1) * half, self.margin + (y + 1) * half

    def polygon(self, points: Iterable[Point], fill: Rgb | None = None) -> None:
        """Fill a polygon."""
        self._draw.polygon([self._pixel(point) for point in points], fill or self.main)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float | None = None, fill: Rgb | None = None
    ) -> None:
        """Fill an ellipse around (x, y)."""
        ry = rx if ry is None else ry
        box = (*self._pixel((x - rx, y - ry)), *self._pixel((x + rx, y + ry)))
        self._draw.ellipse(box, fill or self.main)

    def rectangle(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: Rgb | None = None,
        radius: float = 0.0,
    ) -> None:
        """Fill a rectangle, with round corners if `radius` is given."""
        box = (*self._pixel((left, top)), *self._pixel((right, bottom)))
        self._draw.rounded_rectangle(box, radius * self.side / 2, fill or self.main)

    def line(self, points: Iterable[Point], width: float, fill: Rgb | None = None) -> None:
        """Stroke a line; `width` is in units of the box."""
        pixels = [self._pixel(point) for point in points]
        thick = max(1, round(width * self.side / 2))
        self._draw.line(pixels, fill or self.dark, thick, joint="curve")

    def outlined(self, width: int) -> Image.Image:
        """Return the layer with an outline in the dark shade grown around what was drawn."""
        pixels = np.array(self.layer)
        solid = pixels[..., 3] > 0
        grown = solid.copy()
        for _ in range(width):
            wider = grown.copy()
            wider[1:] |= grown[:-1]
            wider[:-1] |= grown[1:]
            wider[:, 1:] |= grown[:, :-1]
            wider[:, :-1] |= grown[:, 1:]
            grown = wider
        pixels[grown & ~solid] = (*self.dark, 255)
        return Image.fromarray(pixels)


def around(
    count: int, radius: float, x: float = 0.0, y: float = 0.0, turn: float = 0.0
) -> list[Point]:
    """Return `count` points on a circle, the first one at the top, turned clockwise by `turn`."""
    angles = (2 * math.pi * (index / count) + turn for index in range(count))
    return [(x + radius * math.sin(angle), y - radius * math.cos(angle)) for angle in angles]
