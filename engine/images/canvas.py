"""Canvases for inpainting and outpainting: parts of a picture marked, or space added around it.

A canvas is a picture and a mask of its size. White is repainted, black is kept to the pixel, and
grey blends the two.
"""

import math
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from engine.jobs.process import Region
from engine.models.model import Model

PARTS = range(1, 10)
"""The parts of a picture: three rows of three, in reading order."""

FEATHER = 24
"""The blend at a seam reaches the shorter side divided by this to each side."""

MARGIN = 12
"""The margin of a region that is painted again is the picture's shorter side divided by this."""

CHART_SIDE = 640
"""Pixels of the longer side of a chart of parts: enough to read it on a phone."""

OUTPAINT_STRENGTH, OUTPAINT_SIDE = 0.8, 512
"""Strength with which the stretched edges around a picture are repainted, for a shorter side of so
many pixels or more. In a smaller picture less noise destroys as much (Hoogeboom et al. 2023,
“simple diffusion”, section 2.1); with more, a second subject appears half behind the first."""


class Direction(StrEnum):
    """Where the view moves."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class InpaintCanvas(NamedTuple):
    """A picture to inpaint.

    Attributes:
        image: RGB.
        mask: Greyscale, of its size.
        strength: How much what the mask marks may change; 1 starts from noise alone.
    """

    image: Image.Image
    mask: Image.Image
    strength: float = 1.0


def cropped_to(image: Image.Image, shape: float) -> Image.Image:
    """The middle of the picture, in the shape of that width over height."""
    width, height = image.size
    wide, high = min(width, round(height * shape)), min(height, round(width / shape))
    if abs(width - wide) <= 1 and abs(height - high) <= 1:
        return image  # only rounding
    left, top = (width - wide) // 2, (height - high) // 2
    return image.crop((left, top, left + max(1, wide), top + max(1, high)))


def mask_parts(image: Image.Image, parts: Collection[int]) -> InpaintCanvas:
    """The picture with some of its `PARTS` marked; they blend in from their edges."""
    hard = Image.new("L", image.size)
    for part in parts:
        hard.paste(255, part_box(image.size, part))
    soft = hard.filter(ImageFilter.BoxBlur(_feather(image)))
    inner = soft.point([max(0, 2 * value - 255) for value in range(256)])
    return InpaintCanvas(image, ImageChops.darker(hard, inner))


def zoom_out(image: Image.Image, factor: float) -> InpaintCanvas:
    """The picture scaled down by `factor`, in the middle of a canvas of its original size."""
    width, height = round(image.width / factor), round(image.height / factor)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    place = ((image.width - width) // 2, (image.height - height) // 2)
    return _extended(small, image.size, place)._replace(strength=_outpaint_strength(image.size))


def pan(image: Image.Image, direction: Direction, margin: int, *, grows: bool) -> InpaintCanvas:
    """The picture with `margin` pixels added at one side.

    Args:
        image: The picture.
        direction: At which side.
        margin: How many pixels are added.
        grows: Whether the picture grows; otherwise as much is cut off at the other side.
    """
    sideways = direction in (Direction.LEFT, Direction.RIGHT)
    width = image.width + (margin if grows and sideways else 0)
    height = image.height + (margin if grows and not sideways else 0)
    before, after = (image.width, width) if sideways else (image.height, height)
    added_first = direction in (Direction.LEFT, Direction.UP)
    offset = margin if added_first else after - margin - before
    canvas = _extended(image, (width, height), (offset, 0) if sideways else (0, offset))
    # If half of the picture is new, something new is wanted there: strength 1.
    return canvas._replace(strength=_outpaint_strength(canvas.image.size)) if grows else canvas


def pan_margin(model: Model, size: tuple[int, int], direction: Direction) -> tuple[int, bool]:
    """How many pixels `pan` adds to a picture of that size, and whether the picture grows.

    Half of the side is added. The picture grows as long as the model can paint it so large.
    """
    side = size[0] if direction in (Direction.LEFT, Direction.RIGHT) else size[1]
    margin = side // 2 // model.multiple_of * model.multiple_of
    return margin, side + margin <= model.max_side


def nearest_size(model: Model, width: int, height: int) -> tuple[int, int]:
    """The size at which `model` repaints a picture of that size: the same, or one of its shape."""
    paintable = all(
        model.min_side <= side <= model.max_side and side % model.multiple_of == 0
        for side in (width, height)
    )
    if paintable:
        return width, height
    sides = model.sides(width / height)
    least = -(-model.min_side // model.multiple_of) * model.multiple_of
    return max(least, sides[0]), max(least, sides[1])


def inpaint_size(model: Model, width: int, height: int) -> tuple[int, int]:
    """The size at which `model` inpaints a picture of that size.

    The same if the model can paint so large, else the largest of its shape. A picture that is too
    small becomes as large as the model's pictures.
    """
    largest = model.max_side // model.multiple_of * model.multiple_of
    scale = min(1.0, largest / max(width, height))
    across, down = (
        round(side * scale / model.multiple_of) * model.multiple_of for side in (width, height)
    )
    if min(across, down) < model.min_side:
        return nearest_size(model, width, height)
    return across, down


def region_of(
    model: Model, size: tuple[int, int], parts: Collection[int], strength: float
) -> Region:
    """The region of a picture in which some of its `PARTS` are painted again, larger.

    The region is the parts with a margin, so that what is painted fits what is around it. It is
    painted with as many pixels as the model's pictures have, in its own shape, but never smaller
    than it is unless the model can't paint so large.

    Args:
        model: The model that paints.
        size: Of the picture, pixels.
        parts: Which parts.
        strength: How much they may change.
    """
    boxes = [part_box(size, part) for part in parts]
    margin = min(size) // MARGIN
    left, top = (max(0, min(box[side] for box in boxes) - margin) for side in (0, 1))
    right, bottom = (
        min(size[side - 2], max(box[side] for box in boxes) + margin) for side in (2, 3)
    )
    width, height = right - left, bottom - top
    # The model's pictures of that shape, or the region's own size where that is larger.
    native = math.sqrt(model.width * model.height / (width * height))
    least = model.min_side / min(width, height)
    most = model.max_side / max(width, height)
    scale = min(max(native, least, 1.0), most)
    across, down = (
        max(1, round(side * scale / model.multiple_of)) * model.multiple_of
        for side in (width, height)
    )
    return Region(tuple(sorted(parts)), (left, top, right, bottom), across, down, strength)


def put_back(painted: Image.Image, picture: Image.Image, region: Region) -> Image.Image:
    """The picture with the painted region in it, which blends in at the edges of its parts.

    Everything else stays as it is to the pixel, transparency included.
    """
    left, top, right, bottom = region.box
    mask = mask_parts(picture, region.parts).mask.crop(region.box)
    small = painted.convert("RGB").resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    whole = picture.copy()
    if picture.mode == "RGBA":
        small.putalpha(picture.crop(region.box).getchannel("A"))
    whole.paste(Image.composite(small, picture.crop(region.box), mask), (left, top))
    return whole


def draw_parts(image: Image.Image, chosen: Collection[int]) -> Image.Image:
    """The picture with its parts outlined and numbered, and the chosen ones tinted."""
    scale = CHART_SIDE / max(image.size)
    size = (max(12, round(image.width * scale)), max(12, round(image.height * scale)))
    chart = image.resize(size, Image.Resampling.LANCZOS)
    tint = Image.new("RGB", size, (255, 60, 120))
    for part in chosen:
        box = part_box(chart.size, part)
        chart.paste(Image.blend(chart.crop(box), tint.crop(box), 0.55), box)
    draw = ImageDraw.Draw(chart)
    radius = max(1, min(size) // 22)
    font = ImageFont.load_default(radius * 1.3)
    for part in PARTS:
        left, top, right, bottom = part_box(chart.size, part)
        draw.rectangle((left, top, right - 1, bottom - 1), outline="black", width=3)
        draw.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline="white")
        middle = ((left + right) // 2, (top + bottom) // 2)
        draw.circle(middle, radius, fill=(20, 20, 20), outline="white", width=2)
        draw.text(middle, str(part), fill="white", font=font, anchor="mm")
    return chart


def part_box(size: tuple[int, int], part: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of one of the `PARTS` of a picture of that size, in pixels."""
    width, height = size
    row, column = divmod(part - 1, 3)
    return (
        column * width // 3,
        row * height // 3,
        (column + 1) * width // 3,
        (row + 1) * height // 3,
    )


def _extended(image: Image.Image, size: tuple[int, int], place: tuple[int, int]) -> InpaintCanvas:
    """The picture at `place` on a canvas, its edges stretched to fill the rest.

    The seam lies within the picture, so that nothing of the stretched edges remains visible.
    """
    left, top = place
    right, bottom = left + image.width, top + image.height
    canvas = Image.new("RGB", size)
    canvas.paste(image, place)
    inner = (max(0, left), max(0, top), min(size[0], right), min(size[1], bottom))
    _stretch(canvas, inner)
    feather = _feather(image)
    blurred = canvas.filter(ImageFilter.GaussianBlur(feather))
    blurred.paste(image, place)
    hard = Image.new("L", size, 255)
    hard.paste(
        0,
        (
            inner[0] + (feather if left > 0 else 0),
            inner[1] + (feather if top > 0 else 0),
            inner[2] - (feather if right < size[0] else 0),
            inner[3] - (feather if bottom < size[1] else 0),
        ),
    )
    return InpaintCanvas(blurred, hard.filter(ImageFilter.BoxBlur(feather)))


def _stretch(canvas: Image.Image, inner: tuple[int, int, int, int]) -> None:
    """Fill the outside of `inner` with the pixels at its edges."""
    left, top, right, bottom = inner
    width, height = canvas.size
    for edge, box in (
        ((left, top, left + 1, bottom), (0, top, left, bottom)),
        ((right - 1, top, right, bottom), (right, top, width, bottom)),
        ((0, top, width, top + 1), (0, 0, width, top)),
        ((0, bottom - 1, width, bottom), (0, bottom, width, height)),
    ):
        across, down = box[2] - box[0], box[3] - box[1]
        if across and down:
            canvas.paste(canvas.crop(edge).resize((across, down)), box)


def _feather(image: Image.Image) -> int:
    return max(1, min(image.size) // FEATHER)


def _outpaint_strength(size: tuple[int, int]) -> float:
    return round(OUTPAINT_STRENGTH * min(1.0, min(size) / OUTPAINT_SIDE), 2)
