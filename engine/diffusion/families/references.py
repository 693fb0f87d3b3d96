"""Reference pictures as families show them to their models."""

from PIL import Image

from engine.errors import InvalidRequest
from speech import say

MAX_RATIO = 8
"""The longest side of a reference picture over its shortest (Diffusers' `Flux2ImageProcessor`)."""


def at_least(image: Image.Image, side: int) -> Image.Image:
    """The picture, scaled up if its shorter side has less than `side` pixels."""
    factor = side / min(image.size)
    if factor <= 1:
        return image
    width, height = (max(side, round(length * factor)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def require_shape(image: Image.Image) -> None:
    """Raise `InvalidRequest` when a reference picture is too narrow."""
    if max(image.size) > MAX_RATIO * min(image.size):
        raise InvalidRequest(
            say(
                "A picture of {width} × {height} pixels is too narrow. No side may be more than "
                "{most} times the other: crop it.",
                width=image.width,
                height=image.height,
                most=MAX_RATIO,
            )
        )
