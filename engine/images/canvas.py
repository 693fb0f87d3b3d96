"""Canvases for inpainting and outpainting: parts of a picture marked, or space added around it.

A canvas is a picture and a mask of its size. White is repainted, black is kept to the pixel, and
grey blends the two.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from engine.models.catalogue import Model

PARTS = range(1, 10)
"""The parts of a picture: three rows of three, in reading order."""

FEATHER = 24
"""The blend at a seam reaches the shorter side divided by this to each side."""

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


def mask_parts(image: Image.Image, parts: Collection[int]) -> InpaintCanvas:
    """The picture with some of its `PARTS` marked; they blend in from their edges."""
    hard = Image.new("L", image.size)
    for part in parts:
        hard.paste(255, _box(image, part))
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


def draw_parts(image: Image.Image, chosen: Collection[int]) -> Image.Image:
    """The picture with its parts outlined and numbered, and the chosen ones tinted."""
    scale = CHART_SIDE / max(image.size)
    size = (max(12, round(image.width * scale)), max(12, round(image.height * scale)))
    chart = image.resize(size, Image.Resampling.LANCZOS)
    tint = Image.new("RGB", size, (255, 60, 120))
    for part in chosen:
        box = _box(chart, part)
        chart.paste(Image.blend(chart.crop(box), tint.crop(box), 0.55), box)
    draw = ImageDraw.Draw(chart)
    radius = max(1, min(size) // 22)
    font = ImageFont.load_default(radius * 1.3)
    for part in PARTS:
        left, top, right, bottom = _box(chart, part)
        draw.rectangle((left, top, right - 1, bottom - 1), outline="black", width=3)
        draw.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline="white")
        middle = ((left + right) // 2, (top + bottom) // 2)
        draw.circle(middle, radius, fill=(20, 20, 20), outline="white", width=2)
        draw.text(middle, str(part), fill="white", font=font, anchor="mm")
    return chart


def _box(image: Image.Image, part: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of one of the `PARTS`, in pixels."""
    row, column = divmod(part - 1, 3)
    return (
        column * image.width // 3,
        row * image.height // 3,
        (column + 1) * image.width // 3,
        (row + 1) * image.height // 3,
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
