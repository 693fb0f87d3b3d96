"""Finds pictures that look the same, although their files differ."""

from collections.abc import Mapping
from typing import NamedTuple

from PIL import Image

MAX_DISTANCE = 5
"""Bits of a perceptual hash in which similar pictures differ at most, of 64 (Neal Krawetz, “Looks
Like It”, hackerfactor.com, 2011)."""

MAX_SHADES = 24
"""Of 255, by which their colours differ at most. The hash only knows light and dark."""

SMALL, CELLS = (64, 64), (8, 8)
"""Pixels of what the hash and the colours are made from; a large picture takes long to scale."""


class Fingerprint(NamedTuple):
    """What two copies of a picture have in common, whatever their size and format.

    Attributes:
        shapes: Its perceptual hash.
        colours: The mean colours of its cells.
    """

    shapes: int
    colours: bytes

    def is_like(self, other: "Fingerprint") -> bool:
        """Whether the pictures look the same."""
        if (self.shapes ^ other.shapes).bit_count() > MAX_DISTANCE:
            return False
        pairs = zip(self.colours, other.colours, strict=True)
        return max(abs(own - its) for own, its in pairs) <= MAX_SHADES


def fingerprint(image: Image.Image) -> Fingerprint:
    """The fingerprint of a picture in RGB."""
    from imagehash import phash  # it imports NumPy, which most processes don't need

    small = image.resize(SMALL, Image.Resampling.BOX, reducing_gap=2)
    colours = small.resize(CELLS, Image.Resampling.BOX).tobytes()
    return Fingerprint(int(str(phash(small)), 16), colours)


def look_alikes(fingerprints: Mapping[str, Fingerprint]) -> list[list[str]]:
    """The names of pictures in groups that look the same, also groups of one."""
    groups: list[list[str]] = []
    for name, own in fingerprints.items():
        like = (group for group in groups if fingerprints[group[0]].is_like(own))
        group = next(like, None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return groups
