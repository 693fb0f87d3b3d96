import random

import numpy as np
import pytest

from training.draw import draw_scene
from training.palette import COLOUR_NAMES, PALETTE, nearest_colours
from training.scenes import (
    BACKGROUNDS,
    COLOURS,
    LANDSCAPES,
    THINGS,
    Arrangement,
    Group,
    Scene,
    lay_out,
    sample_scene,
)


def test_training_never_shows_what_is_held_out() -> None:
    rng = random.Random(0)
    shown = {sample_scene(rng).key for _ in range(3000)}
    kept = {sample_scene(rng, held_out=True).key for _ in range(200)}
    assert not shown & kept


def test_the_hold_out_is_the_same_on_every_machine() -> None:
    stars = [
        Scene(Arrangement.CENTRE, (Group("star", colour),), background)
        for colour in COLOURS
        for background in LANDSCAPES
    ]
    assert [star.key[1:] for star in stars if star.held_out] == [
        ("1 orange star", "snow"),
        ("1 green star", "sunset"),
    ]


def test_everything_is_laid_out_inside_the_picture() -> None:
    rng = random.Random(1)
    for _ in range(500):
        for slot in lay_out(sample_scene(rng), rng):
            assert 0.1 < slot.x < 0.9
            assert 0.1 < slot.y < 0.9


MANY_COLOURED = {"house", "boat", "umbrella", "mountain", "flower", "mushroom"}


@pytest.mark.slow
def test_every_thing_draws_and_shows_its_colour() -> None:
    shares = {(thing, colour): shares_of(thing, colour) for thing in THINGS for colour in COLOURS}
    assert not {key: drawn for key, (drawn, _) in shares.items() if not 0.1 < drawn < 0.7}
    assert not {
        (thing, colour): shown
        for (thing, colour), (_, shown) in shares.items()
        if shown <= (0.2 if thing in MANY_COLOURED else 0.5)
    }


def shares_of(thing: str, colour: str) -> tuple[float, float]:
    """How much of a picture the thing takes, and how much of the thing has its colour."""
    drawing = draw_scene(Scene(Arrangement.CENTRE, (Group(thing, colour),), "paper"))
    shown = drawing.owners == 1
    names = nearest_colours(np.asarray(drawing.picture))[shown]
    return shown.mean(), (names == COLOUR_NAMES.index(colour)).mean()


@pytest.mark.parametrize("size", [(128, 128), (160, 112), (112, 160)])
def test_every_background_draws_at_every_size(size: tuple[int, int]) -> None:
    drawings = {name: draw_scene(Scene(Arrangement.EMPTY, (), name), *size) for name in BACKGROUNDS}
    assert not [name for name, drawing in drawings.items() if drawing.picture.size != size]
    assert not [name for name, drawing in drawings.items() if drawing.owners.any()]
    corners = {name: drawing.picture.getpixel((5, 5)) for name, drawing in drawings.items()}
    plain = PALETTE.keys() & set(BACKGROUNDS)
    assert {name: corners[name] for name in plain} == {name: PALETTE[name] for name in plain}


def test_what_sits_on_another_thing_touches_it() -> None:
    drawing = draw_scene(Scene(Arrangement.ON, (Group("cat", "pink"), Group("car", "blue")), "sea"))
    above, below = (np.nonzero(drawing.owners == number)[0] for number in (1, 2))
    assert above.mean() < below.mean()
    assert below.min() - above.max() <= 2
