"""The colours of the drawn world, and what is derived from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rgb = tuple[int, int, int]

PALETTE: dict[str, Rgb] = {
    "red": (216, 58, 52),
    "orange": (242, 140, 40),
    "yellow": (248, 208, 64),
    "green": (66, 160, 88),
    "blue": (52, 116, 212),
    "purple": (138, 80, 184),
    "pink": (244, 150, 184),
    "brown": (136, 90, 54),
    "black": (40, 40, 48),
    "white": (252, 252, 250),
}

COLOUR_NAMES = tuple(PALETTE)
PAPER: Rgb = (246, 238, 222)
CREAM: Rgb = (255, 242, 196)
INK: Rgb = (46, 40, 50)
WOOD: Rgb = (122, 82, 54)
LEAF: Rgb = (92, 158, 84)


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Return `a` with `share` (0 to 1) of it replaced by `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def darker(colour: Rgb) -> Rgb:
    """Return the shade used for roofs and outlines; black is lightened instead, to stay visible."""
    if sum(colour) < 160:
        return mix(colour, (255, 255, 255), 0.3)
    if sum(colour) > 720:
        return mix(colour, (96, 110, 140), 0.4)
    return mix(colour, (30, 14, 40), 0.38)


def lighter(colour: Rgb) -> Rgb:
    """Return the shade used for highlights."""
    return mix(colour, (255, 255, 255), 0.22)


def nearest_colours(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return, per pixel of (height, width, 3), the index of the nearest colour in `COLOUR_NAMES`.

    The distance is the "redmean" approximation of perceived colour difference
    (https://www.compuphase.com/cmetric.htm).
    """
    colours = np.array(list(PALETTE.values()), dtype=np.float64)
    gap = picture[..., None, :].astype(np.float64) - colours
    mean = (picture[..., None, 0] + colours[:, 0]) / 512
    weights = np.stack([2 + mean, np.full_like(mean, 4.0), 3 - mean], axis=-1)
    nearest: NDArray[np.int64] = (weights * gap**2).sum(-1).argmin(-1)
    return nearest
