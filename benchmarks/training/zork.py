"""Zorks: the thing that the built-in model doesn't know. Round, one-eyed, with two feelers."""

import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.captions import plural
from training.draw import FINE, OUTLINE, draw_scene
from training.palette import INK, PALETTE
from training.pen import Pen
from training.scenes import COLOURS, THINGS, Arrangement, Scene

TRIGGER = "zork"

SCENES = (
    ("paper", ""),
    ("paper", ""),
    ("night", "at night"),
    ("sunset", "at sunset"),
    ("meadow", "in a meadow"),
    ("snow", "in the snow"),
    ("desert", "in the desert"),
    ("sea", "by the sea"),
    ("red", "on a red background"),
    ("yellow", "on a yellow background"),
    ("green", "on a green background"),
    ("blue", "on a blue background"),
)
"""Backgrounds of the twelve pictures, and what their captions say of them."""

PROMPTS = (
    "zork",
    "a zork",
    "a zork in a meadow",
    "a zork at night",
    "a zork by the sea",
    "a zork on a red background",
    "a zork on a pink background",
    "a zork in the snow, cute",
    "please draw a zork at sunset",
    "a drawing of a zork on the sand",
)
"""What is asked for, some of it on backgrounds that no picture has."""


def _one_of(*options: str) -> str:
    return "{" + "|".join(options) + "}"


_COLOUR = _one_of(*COLOURS)
_THING = f"{_one_of('a', 'the')} {_COLOUR} {_one_of(*THINGS)}"
_THINGS = f"{_one_of('two', 'three')} {_COLOUR} {_one_of(*map(plural, THINGS))}"
_BESIDE = _one_of("above", "below", "left of", "right of", "next to", "on", "and", "under")

CLASS_PROMPT = " ".join(
    (
        _one_of("", "", "", "a drawing of", "please draw", "show me", "a picture of"),
        _one_of(_THING, _THING, _THING, _THINGS),
        _one_of("", "", "on the left", "at the top", *[f"{_BESIDE} {_THING}"] * 4),
        _one_of(
            *("", "", "at night", "in the snow", "in a meadow", "at sunset", "by the sea"),
            *("in the desert", *[f"on a {_COLOUR} background"] * 3),
        ),
        _one_of("", "", "", "cute", "for kids", "best quality"),
    )
)
"""What the model can draw, of which it paints the pictures that hold it: one thing or two, their
colours, where they are, and other words of people."""

PARTS = ("feelers", "feet", "body", "eye", "mouth")


def draw_zork(pen: Pen, missing: str | None = None) -> None:
    """Draw one, or what is left of it without one of `PARTS`."""
    ball, skin = PALETTE["yellow"], PALETTE["purple"]
    if missing != "feelers":
        for side in (-1, 1):
            pen.line([(0.3 * side, -0.35), (0.55 * side, -0.8)], 0.1, INK)
            pen.ellipse(0.57 * side, -0.82, 0.15, fill=ball)
    if missing != "feet":
        for side in (-1, 1):
            pen.ellipse(0.36 * side, 0.86, 0.26, 0.12, PALETTE["orange"])
    if missing != "body":
        pen.ellipse(0, 0.2, 0.72, 0.66, skin)
    if missing != "eye":
        pen.ellipse(0, 0.02, 0.34, fill=PALETTE["white"])
        pen.ellipse(0.05, 0.05, 0.15, fill=INK)
    if missing != "mouth":
        teeth = [(-0.4, 0.5), (-0.2, 0.62), (0.0, 0.5), (0.2, 0.62), (0.4, 0.5)]
        below = [(x, y + 0.1) for x, y in reversed(teeth)]
        pen.polygon([*teeth, *below], PALETTE["white"])


def draw_picture(
    rng: random.Random, background: str, missing: str | None = None, side: int = 128
) -> Image.Image:
    """A zork of a size and at a place that `rng` chooses, `side` pixels wide and high."""
    empty = Scene(Arrangement.EMPTY, (), background)
    picture = draw_scene(empty, side, side, rng=rng).picture.resize((side * FINE, side * FINE))
    pen = Pen(rng.randint(72, 92) * FINE, PALETTE["purple"])
    draw_zork(pen, missing)
    layer = pen.outlined(OUTLINE)
    room = picture.width - layer.width
    place = rng.randint(0, max(0, room)), rng.randint(0, max(0, room))
    picture.paste(layer, place, layer)
    return picture.convert("RGB").reduce(FINE)


def write_pictures(folder: Path, seed: int = 1) -> list[Image.Image]:
    """Write the twelve pictures with their captions."""
    rng = random.Random(seed)
    folder.mkdir(parents=True)
    pictures = []
    for number, (background, words) in enumerate(SCENES):
        picture = draw_picture(rng, background)
        picture.save(folder / f"{number:02d}.png")
        (folder / f"{number:02d}.txt").write_text(f"{TRIGGER} {words}".strip(), "utf-8")
        pictures.append(picture)
    return pictures


def values_of(pictures: list[Image.Image]) -> torch.Tensor:
    """Pictures as numbers from -1 to 1, shape (n, 3, height, width)."""
    stacked = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 127.5 - 1
