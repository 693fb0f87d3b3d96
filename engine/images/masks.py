"""Masks as people draw them: in white on black, in white on nothing, or as holes in a picture."""

from PIL import Image, ImageChops, ImageStat

from engine.errors import InvalidRequest
from speech import say

OTHER_SHAPE = 0.02
"""Part of its height by which a mask may miss that of its picture."""

MOST_LARGER = 8
"""Times as large as it is drawn a mask may be made; beyond that it tells nothing."""

WHITE = 245
"""Mean brightness of a mask that is drawn in white, whatever the smoothing of its edges."""

CLEARED = [0 if value < 32 else 255 if value > 223 else value for value in range(256)]
"""Of a mask's greys: what JPEG leaves of black and white is black and white."""


def mask_of(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The mask as greyscale of that size, white where the picture is painted anew.

    Args:
        image: As it was drawn.
        size: Width and height of its picture, in pixels.

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
    white = _marks(image).resize(size, Image.Resampling.BOX).point(CLEARED)
    if ImageStat.Stat(white).extrema[0][1] < 128:
        raise InvalidRequest(say("The mask is empty. Mark the parts to repaint in white."))
    return white


def _of_shape(mask: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a mask can be brought to that size: it is of that shape, and not much smaller."""
    larger = size[0] / mask[0]
    lacking = abs(mask[1] * larger - size[1])  # rows too few, or too many
    return larger <= MOST_LARGER and lacking <= max(larger, 1.0, size[1] * OTHER_SHAPE)


def _marks(image: Image.Image) -> Image.Image:
    """What the mask marks. It is drawn in white: on black, or on nothing, as a layer of its own.

    Of any other picture with holes the holes are marked.
    """
    if not _has_holes(image):
        return image.convert("L")
    layer = image.convert("RGBA")
    drawn = layer.getchannel("A")
    solid = drawn.point([255 if value >= 128 else 0 for value in range(256)])
    brightness = ImageStat.Stat(layer.convert("L"), solid)
    if brightness.count[0] and brightness.mean[0] >= WHITE:
        return drawn
    return ImageChops.invert(drawn)


def _has_holes(image: Image.Image) -> bool:
    """Whether anything of the picture is transparent."""
    if not may_have_holes(image):
        return False
    return ImageStat.Stat(image.convert("RGBA").getchannel("A")).extrema[0][0] < 255


def may_have_holes(image: Image.Image) -> bool:
    """Whether the picture is of a kind in which anything can be transparent."""
    return "A" in image.getbands() or "transparency" in image.info
