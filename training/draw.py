"""From a scene to a picture, and to the map of which pixel shows what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from training.objects import DRAW_THING
from training.palette import PALETTE, PAPER, Rgb
from training.pen import Pen
from training.scenes import LANDSCAPES, THINGS, Arrangement, Scene, Slot, lay_out

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

FINE = 3  # drawn this many times larger, then reduced
OUTLINE = 4  # in fine pixels
BACKDROP = 0  # label of pixels that show no thing
LABEL = {thing: index + 1 for index, thing in enumerate(THINGS)}
STARS = ((0.09, 0.12), (0.3, 0.07), (0.9, 0.1), (0.7, 0.16), (0.06, 0.46), (0.94, 0.42))
SUNSET: tuple[Rgb, ...] = (
    (104, 78, 142),
    (176, 92, 146),
    (232, 118, 118),
    (248, 158, 98),
    (252, 200, 116),
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture (RGB) and, per pixel, which slot (from 1) is seen there; 0 is the backdrop."""

    picture: Image.Image
    owners: NDArray[np.uint8]
    slots: tuple[Slot, ...]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Return, per pixel, the label of the thing that is seen there."""
        names = [BACKDROP, *(LABEL[slot.group.thing] for slot in self.slots)]
        return np.array(names, dtype=np.uint8)[self.owners]


def draw_scene(
    scene: Scene, width: int = 128, height: int = 128, rng: random.Random | None = None
) -> Drawing:
    """Draw the scene; with `rng`, a little unevenly, as a hand would."""
    size = (width * FINE, height * FINE)
    canvas = _backdrop(scene.background, size)
    owners = Image.new("L", size, BACKDROP)
    layers: list[tuple[Image.Image, int, int, int]] = []
    slots = tuple(lay_out(scene, rng))
    for number, slot in enumerate(slots, 1):
        side = round(min(slot.width * size[0], slot.height * size[1]))
        pen = Pen(side, PALETTE[slot.group.colour])
        DRAW_THING[slot.group.thing](pen)
        layer = pen.outlined(OUTLINE)
        left = round(slot.x * size[0] - layer.width / 2)
        top = round(slot.y * size[1] - layer.height / 2)
        layers.append((layer, left, top, number))
    if scene.arrangement is Arrangement.ON:
        layers = _stacked(layers, size[1])
    for layer, left, top, number in layers:
        canvas.paste(layer, (left, top), layer)
        owners.paste(number, (left, top), layer.getchannel("A"))
    seen = np.asarray(owners)[FINE // 2 :: FINE, FINE // 2 :: FINE]
    return Drawing(canvas.reduce(FINE), seen.copy(), slots)


def _stacked(
    layers: list[tuple[Image.Image, int, int, int]], height: int
) -> list[tuple[Image.Image, int, int, int]]:
    """Let the first layer stand on the top of the second, and both fill the height evenly."""
    (upper, upper_left, _, upper_number), (lower, lower_left, _, lower_number) = layers
    upper_box, lower_box = upper.getbbox(), lower.getbbox()
    assert upper_box
    assert lower_box
    overlap = 2 * OUTLINE
    total = (upper_box[3] - upper_box[1]) + (lower_box[3] - lower_box[1]) - overlap
    start = (height - total) // 2
    upper_top = start - upper_box[1]
    lower_top = start + (upper_box[3] - upper_box[1]) - overlap - lower_box[1]
    return [
        (lower, lower_left, lower_top, lower_number),
        (upper, upper_left, upper_top, upper_number),
    ]


def _backdrop(name: str, size: tuple[int, int]) -> Image.Image:
    if name not in LANDSCAPES:
        return Image.new("RGB", size, PAPER if name == "paper" else PALETTE[name])
    width, height = size
    canvas = Image.new("RGB", size)
    draw = ImageDraw.Draw(canvas)

    def band(top: float, bottom: float, colour: Rgb) -> None:
        draw.rectangle((0, round(top * height), width, round(bottom * height)), colour)

    def hill(x: float, top: float, reach: float, colour: Rgb) -> None:
        box = (x - reach) * width, top * height, (x + reach) * width, (2.6 - top) * height
        draw.ellipse(box, colour)

    match name:
        case "night":
            band(0, 1, (34, 44, 92))
            for x, y in STARS:
                dot = 0.011 * min(size)
                at = x * width, y * height
                draw.ellipse((at[0] - dot, at[1] - dot, at[0] + dot, at[1] + dot), (250, 240, 200))
            hill(0.25, 0.82, 1.1, (30, 62, 84))
        case "sunset":
            for index, colour in enumerate(SUNSET):
                band(index * 0.17, 1, colour)
            band(0.82, 1, (112, 74, 104))
        case "meadow":
            band(0, 1, (204, 230, 242))
            hill(0.8, 0.74, 1.0, (176, 212, 140))
            hill(0.15, 0.8, 1.2, (152, 198, 118))
        case "sea":
            band(0, 1, (222, 238, 242))
            band(0.66, 1, (96, 178, 200))
            for top in (0.74, 0.84, 0.94):
                band(top, top + 0.018, (142, 206, 220))
        case "snow":
            band(0, 1, (190, 210, 230))
            hill(0.75, 0.74, 1.1, (226, 236, 246))
            hill(0.1, 0.8, 1.2, (246, 250, 254))
        case "desert":
            band(0, 1, (252, 228, 184))
            hill(0.75, 0.74, 1.0, (236, 190, 120))
            hill(0.1, 0.81, 1.2, (224, 168, 98))
    return canvas


def pixels(picture: Image.Image) -> NDArray[np.float32]:
    """Return the picture as (3, height, width), from -1 to 1."""
    values = np.asarray(picture, dtype=np.float32) / 127.5 - 1
    return np.ascontiguousarray(values.transpose(2, 0, 1))
