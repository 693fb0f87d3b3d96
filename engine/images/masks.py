"""Masks as people draw them: white on black, white on transparent, or holes in a picture."""

from PIL import Image, ImageChops, ImageStat

from engine.errors import InvalidRequest
from speech import say

SHAPE_TOLERANCE = 0.02
"""Share of its height by which a mask may differ from its picture."""

MAX_SCALE = 8
"""How much a mask may be scaled up; beyond that it marks nothing useful."""

WHITE = 245
"""Minimum mean brightness of a mask that is drawn in white with smoothed edges."""

CLEAN_LEVELS = [0 if value < 32 else 255 if value > 223 else value for value in range(256)]
"""Maps grey levels: what JPEG makes of black and white becomes black and white again."""


def mask_of(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The mask in greyscale and of that size, white where the picture is repainted.

    Args:
        image: As it was drawn.
        size: Width and height of its picture, pixels.

    Raises:
        InvalidRequest: When it marks nothing, or has another shape.
    """
    if not _of_shape(image.size, size):
        raise InvalidRequest(
            say(
                "The mask is {mask_width}×{mask_height} pixels, but the picture is "
                "{width}×{height}. Draw the mask over the picture itself to give both the same "
                "shape.",
                mask_width=image.width,
                mask_height=image.height,
                width=size[0],
                height=size[1],
            )
        )
    white = _marks(image).resize(size, Image.Resampling.BOX).point(CLEAN_LEVELS)
    if ImageStat.Stat(white).extrema[0][1] < 128:
        raise InvalidRequest(say("The mask is empty. Mark the parts to repaint in white."))
    return white


def _of_shape(mask: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a mask can be scaled to that size: it has that shape, and isn't much smaller."""
    scale = size[0] / mask[0]
    difference = abs(mask[1] * scale - size[1])  # in rows
    return scale <= MAX_SCALE and difference <= max(scale, 1.0, size[1] * SHAPE_TOLERANCE)


def _marks(image: Image.Image) -> Image.Image:
    """What the mask marks: what is white on black, or white on a transparent layer.

    In any other picture with transparent holes, the holes are marked.
    """
    if not _has_transparency(image):
        return image.convert("L")
    layer = image.convert("RGBA")
    alpha = layer.getchannel("A")
    solid = alpha.point([255 if value >= 128 else 0 for value in range(256)])
    brightness = ImageStat.Stat(layer.convert("L"), solid)
    if brightness.count[0] and brightness.mean[0] >= WHITE:
        return alpha
    return ImageChops.invert(alpha)


def _has_transparency(image: Image.Image) -> bool:
    """Whether any of the picture is transparent."""
    if not may_be_transparent(image):
        return False
    return ImageStat.Stat(image.convert("RGBA").getchannel("A")).extrema[0][0] < 255


def may_be_transparent(image: Image.Image) -> bool:
    """Whether the picture has a mode in which it can be transparent."""
    return "A" in image.getbands() or "transparency" in image.info
