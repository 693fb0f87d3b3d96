"""What may be drawn: scenes, how they are laid out, and which of them training never shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from training.palette import PALETTE

if TYPE_CHECKING:
    import random

NATURAL_COLOUR: dict[str, str] = {
    "circle": "red",
    "square": "blue",
    "triangle": "green",
    "star": "yellow",
    "heart": "red",
    "house": "red",
    "tree": "green",
    "moon": "yellow",
    "flower": "pink",
    "fish": "orange",
    "boat": "red",
    "mountain": "purple",
    "sun": "yellow",
    "cloud": "white",
    "car": "blue",
    "cat": "orange",
    "apple": "red",
    "mushroom": "red",
    "balloon": "red",
    "umbrella": "purple",
}
THINGS = tuple(NATURAL_COLOUR)
COLOURS = tuple(PALETTE)
STANDING = frozenset({"house", "tree", "flower", "mountain", "car", "mushroom", "cat"})
FLYING = frozenset({"moon", "sun", "cloud", "star", "balloon"})
LANDSCAPES = ("night", "sunset", "meadow", "sea", "snow", "desert")
BACKGROUNDS = ("paper", *COLOURS, *LANDSCAPES)
HELD_OUT_SHARE = 20


class Arrangement(StrEnum):
    """Where the groups of a scene stand."""

    EMPTY = "empty"  # nothing but the background
    CENTRE = "centre"  # one group in the middle
    LEFT = "left"  # one group, pushed to one side
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"
    ROW = "row"  # groups from left to right
    COLUMN = "column"  # groups from top to bottom
    ON = "on"  # the first sits on the second


@dataclass(frozen=True, slots=True)
class Group:
    """One to three equal things."""

    thing: str
    colour: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """A composition; everything in it is definite, whatever a caption leaves unsaid."""

    arrangement: Arrangement
    groups: tuple[Group, ...]
    background: str

    @property
    def held_out(self) -> bool:
        """Tell whether this composition is kept for the judge: one in twenty, by a stable hash."""
        digest = hashlib.sha256(repr(self.key).encode()).digest()
        return int.from_bytes(digest[:4], "big") % HELD_OUT_SHARE == 0

    @property
    def key(self) -> tuple[str, ...]:
        """Return the composition as plain words."""
        groups = (f"{group.count} {group.colour} {group.thing}" for group in self.groups)
        return (self.arrangement.value, *groups, self.background)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one thing is drawn: centre and size in pictures' widths and heights (0 to 1)."""

    group: Group
    x: float
    y: float
    width: float
    height: float


def implied_background(things: frozenset[str]) -> str:
    """Return the background of a scene whose caption names none."""
    if "moon" in things:
        return "night"
    if "boat" in things:
        return "sea"
    if things & {"house", "tree", "mountain", "car", "sun", "cloud"}:
        return "meadow"
    return "paper"


def visible(colour: str, background: str) -> bool:
    """Tell whether a thing of this colour stands out from this background."""
    return colour != background and (colour, background) != ("black", "night")


def sample_scene(rng: random.Random, *, held_out: bool = False) -> Scene:
    """Draw a scene at random, on the wanted side of the hold-out."""
    while True:
        scene = _sample(rng)
        shown = all(visible(group.colour, scene.background) for group in scene.groups)
        if shown and scene.held_out == held_out:
            return scene


def _sample(rng: random.Random) -> Scene:
    kind = rng.choices(
        ["empty", "single", "side", "row", "column", "on", "many", "three"],
        [2, 30, 4, 22, 22, 10, 7, 3],
    )[0]
    if kind == "empty":
        return Scene(Arrangement.EMPTY, (), rng.choice(BACKGROUNDS[1:]))
    arrangement = Arrangement.CENTRE
    counts = [1]
    if kind == "side":
        sides = (Arrangement.LEFT, Arrangement.RIGHT, Arrangement.TOP, Arrangement.BOTTOM)
        arrangement = rng.choice(sides)
    elif kind == "many":
        counts = [rng.choice((2, 2, 3))]
    elif kind == "row":
        arrangement, counts = Arrangement.ROW, rng.choice([[1, 1]] * 8 + [[1, 2], [2, 1]])
    elif kind == "three":
        arrangement, counts = Arrangement.ROW, [1, 1, 1]
    elif kind == "column":
        choices = [[1, 1]] * 8 + [[1, 2], [2, 1], [2, 2], [3, 1]]
        arrangement, counts = Arrangement.COLUMN, rng.choice(choices)
    elif kind == "on":
        arrangement, counts = Arrangement.ON, [1, 1]
    things = rng.sample(THINGS, len(counts))
    if kind == "column" and rng.random() < 0.5:
        things.sort(key=lambda thing: (thing in STANDING) - (thing in FLYING))
    groups = tuple(
        Group(thing, _sample_colour(rng, thing), count)
        for thing, count in zip(things, counts, strict=True)
    )
    if rng.random() < 0.4:
        background = implied_background(frozenset(things))
    else:
        background = rng.choice(BACKGROUNDS[1:])
    return Scene(arrangement, groups, background)


def _sample_colour(rng: random.Random, thing: str) -> str:
    return NATURAL_COLOUR[thing] if rng.random() < 0.15 else rng.choice(COLOURS)


def lay_out(scene: Scene, rng: random.Random | None = None) -> list[Slot]:
    """Place every thing of the scene; with `rng`, with a little unevenness."""
    grounded = scene.background in LANDSCAPES
    slots: list[Slot] = []
    match scene.arrangement:
        case Arrangement.EMPTY:
            pass
        case Arrangement.CENTRE:
            slots = _spread(scene.groups, 0.5, 0.5, 0.72, grounded=grounded)
        case Arrangement.LEFT | Arrangement.RIGHT:
            x = 0.27 if scene.arrangement is Arrangement.LEFT else 0.73
            slots = _spread(scene.groups, x, 0.5, 0.46, width=0.5, grounded=grounded)
        case Arrangement.TOP | Arrangement.BOTTOM:
            y = 0.27 if scene.arrangement is Arrangement.TOP else 0.72
            slots = _spread(scene.groups, 0.5, y, 0.46)
        case Arrangement.ROW:
            slots = _spread(scene.groups, 0.5, 0.5, 0.72, grounded=grounded)
        case Arrangement.COLUMN:
            slots = _spread(scene.groups[:1], 0.5, 0.265, 0.44)
            slots += _spread(scene.groups[1:], 0.5, 0.73, 0.46)
        case Arrangement.ON:
            slots = _spread(scene.groups[:1], 0.5, 0.27, 0.4)
            slots += _spread(scene.groups[1:], 0.5, 0.7, 0.48)
    return slots if rng is None else [_uneven(slot, rng) for slot in slots]


def _spread(
    groups: tuple[Group, ...],
    x: float,
    y: float,
    height: float,
    *,
    width: float = 0.94,
    grounded: bool = False,
) -> list[Slot]:
    """Set the things of these groups side by side around (x, y)."""
    things = [group for group in groups for _ in range(group.count)]
    each = width / len(things)
    slots = []
    for index, group in enumerate(things):
        left = x - width / 2 + each * (index + 0.5)
        top = y
        if grounded and len(things) > 1:
            top += 0.1 if group.thing in STANDING else -0.12 if group.thing in FLYING else 0.0
        elif grounded and group.thing in STANDING:
            top += 0.06
        slots.append(Slot(group, left, top, each, height))
    return slots


def _uneven(slot: Slot, rng: random.Random) -> Slot:
    scale = rng.uniform(0.94, 1.04)
    return Slot(
        slot.group,
        slot.x + rng.uniform(-0.02, 0.02),
        slot.y + rng.uniform(-0.018, 0.018),
        slot.width * scale,
        slot.height * scale,
    )
