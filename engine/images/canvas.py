"""Pictures laid out to be painted further: parts of them marked, or more room beside them.

A canvas is a picture and a mask of its size. White is painted anew, black stays as it is, to the
pixel; grey is where the one passes into the other.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from engine.models.catalogue import Model

PARTS = range(1, 10)
"""The parts of a picture, three rows of three, as one reads."""

FEATHER = 24
"""A seam is as wide as the shorter side divided by this, on each side of its middle."""

SHOWN_SIDE = 640
"""Pixels of the longer side of a chart: enough to read it on a phone."""

OUTWARD_STRENGTH, OUTWARD_SIDE = 0.8, 512
"""How far what is new beside a picture leaves its stretched edges behind, by its shorter side. In a
smaller one less noise wipes out as much (Hoogeboom et al. 2023, “simple diffusion”, section 2.1);
with more than that, a second house is begun half behind the first."""


class Direction(StrEnum):
    """Whither the view moves."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class InpaintCanvas(NamedTuple):
    """What is painted further.

    Attributes:
        image: RGB.
        mask: Greyscale, of its size.
        strength: How far to leave behind what the mask marks; 1 is noise alone.
    """

    image: Image.Image
    mask: Image.Image
    strength: float = 1.0


def mask_parts(image: Image.Image, parts: Collection[int]) -> InpaintCanvas:
    """The picture with some of its `PARTS` to be painted anew; they fade in from their edges."""
    hard = Image.new("L", image.size)
    for part in parts:
        hard.paste(255, _box(image, part))
    soft = hard.filter(ImageFilter.BoxBlur(_feather(image)))
    inwards = soft.point([max(0, 2 * value - 255) for value in range(256)])
    return InpaintCanvas(image, ImageChops.darker(hard, inwards))


def zoom_out(image: Image.Image, factor: float) -> InpaintCanvas:
    """The picture in the middle of one of the same size, `factor` times as small."""
    width, height = round(image.width / factor), round(image.height / factor)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    place = ((image.width - width) // 2, (image.height - height) // 2)
    return _with_room(small, image.size, place)._replace(strength=_outward_strength(image.size))


def pan(image: Image.Image, way: Direction, room: int, *, grows: bool) -> InpaintCanvas:
    """The picture with `room` pixels more at one side.

    Args:
        image: The picture.
        way: At which side.
        room: How many pixels are new.
        grows: Whether it becomes larger by them; else as much is lost at the other side.
    """
    sideways = way in (Direction.LEFT, Direction.RIGHT)
    width = image.width + (room if grows and sideways else 0)
    height = image.height + (room if grows and not sideways else 0)
    far = (width if sideways else height) - room - (image.width if sideways else image.height)
    offset = room if way in (Direction.LEFT, Direction.UP) else far
    canvas = _with_room(image, (width, height), (offset, 0) if sideways else (0, offset))
    # Where half of the picture is new, it is something new that is wanted there.
    return canvas._replace(strength=_outward_strength(canvas.image.size)) if grows else canvas


def pan_margin(model: Model, size: tuple[int, int], way: Direction) -> tuple[int, bool]:
    """How many pixels `pan` adds to a picture of that size, and whether it grows by them.

    It is half of the side. The picture grows as long as the model paints that large.
    """
    side = size[0] if way in (Direction.LEFT, Direction.RIGHT) else size[1]
    room = side // 2 // model.multiple_of * model.multiple_of
    return room, side + room <= model.max_side


def nearest_size(model: Model, width: int, height: int) -> tuple[int, int]:
    """The size that `model` paints of a picture of that size: its own, or one of its shape."""
    own = all(
        model.min_side <= side <= model.max_side and side % model.multiple_of == 0
        for side in (width, height)
    )
    if own:
        return width, height
    sides = model.sides(width / height)
    least = -(-model.min_side // model.multiple_of) * model.multiple_of
    return max(least, sides[0]), max(least, sides[1])


def inpaint_size(model: Model, width: int, height: int) -> tuple[int, int]:
    """The size at which `model` paints a picture further, of which parts are to stay as they are.

    Its own as long as the model paints that large, else the model's largest in its shape. One that
    is too small becomes as large as those that the model paints.
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
    """The picture with its parts outlined and numbered, those that are chosen tinted."""
    scale = SHOWN_SIDE / max(image.size)
    size = (max(12, round(image.width * scale)), max(12, round(image.height * scale)))
    shown = image.resize(size, Image.Resampling.LANCZOS)
    tint = Image.new("RGB", size, (255, 60, 120))
    for part in chosen:
        box = _box(shown, part)
        shown.paste(Image.blend(shown.crop(box), tint.crop(box), 0.55), box)
    draw = ImageDraw.Draw(shown)
    radius = max(1, min(size) // 22)
    font = ImageFont.load_default(radius * 1.3)
    for part in PARTS:
        left, top, right, bottom = _box(shown, part)
        draw.rectangle((left, top, right - 1, bottom - 1), outline="black", width=3)
        draw.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline="white")
        middle = ((left + right) // 2, (top + bottom) // 2)
        draw.circle(middle, radius, fill=(20, 20, 20), outline="white", width=2)
        draw.text(middle, str(part), fill="white", font=font, anchor="mm")
    return shown


def _box(image: Image.Image, part: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of one of the `PARTS`, in pixels."""
    row, column = divmod(part - 1, 3)
    return (
        column * image.width // 3,
        row * image.height // 3,
        (column + 1) * image.width // 3,
        (row + 1) * image.height // 3,
    )


def _with_room(image: Image.Image, size: tuple[int, int], place: tuple[int, int]) -> InpaintCanvas:
    """The picture at `place` of a canvas, its edges stretched to fill the rest.

    The seam lies within the picture, so that nothing of the stretched edges is left to see.
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
    """Fill what is outside of `inner` with the pixels at its edges."""
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


def _outward_strength(size: tuple[int, int]) -> float:
    return round(OUTWARD_STRENGTH * min(1.0, min(size) / OUTWARD_SIDE), 2)
