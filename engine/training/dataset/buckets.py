"""Sizes in which pictures of all shapes are trained: few, so that batches have one size.

Aspect ratio bucketing as NovelAI introduced it
(https://github.com/NovelAI/novelai-aspect-ratio-bucketing), with fixed ratios.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageOps

RATIOS = (1.0, 5 / 4, 3 / 2, 16 / 9, 2.0, 5 / 2)
"""Long side to short side."""

LEVELS = (1.0, 3 / 4, 1 / 2, 3 / 8, 1 / 4)
"""Smaller buckets for smaller pictures, by the side of a square."""


class Bucket(NamedTuple):
    """The size of a picture as it is trained, in pixels."""

    width: int
    height: int


def bucket_of(width: int, height: int, *, side: int, multiple_of: int) -> Bucket:
    """The bucket for a picture.

    Its shape is the nearest to the picture's. It's no larger than the picture, unless a quarter of
    `side` is.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        side: Resolution of the training: no bucket has more pixels than a square of this side.
        multiple_of: What the model divides sides by.

    Raises:
        ValueError: When `side` is less than `multiple_of`.
    """
    if side < multiple_of:
        raise ValueError(f"a side of {side} has no multiple of {multiple_of}")
    shape = math.log(width / height)
    sides = (max(int(side * level), multiple_of) for level in LEVELS)
    for each in sides:
        nearest = min(
            _buckets(each, multiple_of),
            key=lambda bucket: abs(math.log(bucket.width / bucket.height) - shape),
        )
        if nearest.width <= width and nearest.height <= height:
            break
    return nearest


def fitted(image: Image.Image, bucket: Bucket) -> Image.Image:
    """The middle of the picture, scaled to the bucket."""
    return ImageOps.fit(image, bucket, Image.Resampling.LANCZOS)


def _buckets(side: int, multiple_of: int) -> Iterator[Bucket]:
    """A bucket for each ratio, upright and lying, with at most `side` × `side` pixels."""
    for ratio in RATIOS:
        long = int(side * math.sqrt(ratio)) // multiple_of * multiple_of
        short = min(side * side // long // multiple_of * multiple_of, long)
        if long <= RATIOS[-1] * short:
            yield Bucket(long, short)
            yield Bucket(short, long)
