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


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("colour", COLOURS)
def test_every_thing_draws_and_shows_its_colour(thing: str, colour: str) -> None:
    drawing = draw_scene(Scene(Arrangement.CENTRE, (Group(thing, colour),), "paper"))
    shown = drawing.owners == 1
    assert 0.1 < shown.mean() < 0.7
    names = nearest_colours(np.asarray(drawing.picture))[shown]
    share = (names == COLOUR_NAMES.index(colour)).mean()
    assert share > 0.2
    assert share > 0.5 or thing in {"house", "boat", "umbrella", "mountain", "flower", "mushroom"}


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("size", [(128, 128), (160, 112), (112, 160)])
def test_every_background_draws_at_every_size(background: str, size: tuple[int, int]) -> None:
    drawing = draw_scene(Scene(Arrangement.EMPTY, (), background), *size)
    assert drawing.picture.size == size
    assert not drawing.owners.any()
    if background in PALETTE:
        assert drawing.picture.getpixel((5, 5)) == PALETTE[background]


def test_what_sits_on_another_thing_touches_it() -> None:
    drawing = draw_scene(Scene(Arrangement.ON, (Group("cat", "pink"), Group("car", "blue")), "sea"))
    above, below = (np.nonzero(drawing.owners == number)[0] for number in (1, 2))
    assert above.mean() < below.mean()
    assert below.min() - above.max() <= 2
