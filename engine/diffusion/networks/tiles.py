"""A picture in overlapping tiles that blend into one another, so that no seam shows."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LEAST_OVERLAP, MOST_OVERLAP = 32, 64
"""Pixels that two tiles share, before enlarging: an eighth of their side within these bounds. At
each end of them lies a quarter that doesn't count, since networks see no farther than the edge
there; in between one tile fades into the next."""

LEVELS = 65_000
"""What white is in the sum of all tiles: room for rounding below the most that 16 bits hold."""

Pixels = npt.NDArray[np.floating]
"""A picture, or a part of one: height × width × channels, 0 to 1."""


class Tile(NamedTuple):
    """A part of a picture: its left, top, right and bottom, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


class TiledPicture:
    """An enlarged picture that is put together from tiles.

    The tiles are summed up as whole numbers: a picture of 36 million pixels takes 216 MB of RAM.
    """

    def __init__(self, width: int, height: int, factor: int, side: int) -> None:
        """Begin with a black picture.

        Args:
            width: Of the picture before it is enlarged, pixels.
            height: The same.
            factor: How many times as wide and high it becomes.
            side: Of a tile before it is enlarged, pixels.
        """
        self._columns, self._rows = _spans(width, side), _spans(height, side)
        self._across = [_weights(self._columns, n, factor) for n in range(len(self._columns))]
        self._down = [_weights(self._rows, n, factor) for n in range(len(self._rows))]
        self._factor = factor
        self._sum = np.zeros((height * factor, width * factor, 3), np.uint16)

    def __len__(self) -> int:
        """How many tiles there are."""
        return len(self._columns) * len(self._rows)

    def __iter__(self) -> Iterator[Tile]:
        """The tiles, row by row."""
        for top, bottom in self._rows:
            for left, right in self._columns:
                yield Tile(left, top, right, bottom)

    def add(self, number: int, pixels: Pixels) -> None:
        """Add the enlarged tile of that number, from 0: RGB, `factor` times as large."""
        row, column = divmod(number, len(self._columns))
        (left, right), (top, bottom) = self._columns[column], self._rows[row]
        weights = self._down[row][:, None, None] * self._across[column][None, :, None]
        times = self._factor
        place = self._sum[top * times : bottom * times, left * times : right * times]
        place += np.rint(pixels * weights * LEVELS).astype(np.uint16)

    def finished(self) -> bytes:
        """8-bit RGB, row by row from the top left, once all tiles are added."""
        rows = np.array_split(self._sum, max(1, len(self._sum) // 256))
        scale = 255 / LEVELS
        return b"".join(
            np.rint(part * scale).clip(0, 255).astype(np.uint8).tobytes() for part in rows
        )


def _spans(length: int, side: int) -> list[tuple[int, int]]:
    """Where tiles begin and end along a side of the picture, evenly spread."""
    if length <= side:
        return [(0, length)]
    step = side - _overlap(side)
    count = -(-(length - side) // step) + 1
    starts = [round(number * (length - side) / (count - 1)) for number in range(count)]
    return [(start, start + side) for start in starts]


def _overlap(side: int) -> int:
    return min(side // 2, max(LEAST_OVERLAP, min(side // 8, MOST_OVERLAP)))


def _weights(spans: list[tuple[int, int]], number: int, factor: int) -> Pixels:
    """How much each enlarged pixel of a tile counts along a side; those of all tiles sum up to 1.

    Neighbours share at least the overlap. In the middle half of what they share, one fades into
    the other: what a tile leaves, the next one takes.
    """
    begin, end = spans[number]
    places = (np.arange((end - begin) * factor, dtype=np.float32) + 0.5) / factor + begin
    weights = np.ones_like(places)
    for earlier, later in pairwise(spans[: number + 1]):
        weights *= _fade(places, later[0], earlier[1])
    if number + 1 < len(spans):
        weights *= 1 - _fade(places, spans[number + 1][0], end)
    return weights


def _fade(places: Pixels, begin: float, end: float) -> Pixels:
    """From 0 to 1 across the middle half of where two tiles overlap."""
    quarter = (end - begin) / 4
    faded: Pixels = np.clip((places - begin - quarter) / (2 * quarter), 0, 1)
    return faded
