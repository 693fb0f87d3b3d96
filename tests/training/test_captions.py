import random

import pytest

from training.captions import (
    BACKGROUND_WORDS,
    COLOUR_WORDS,
    THING_WORDS,
    describe,
    plural,
    vocabulary,
)
from training.scenes import (
    COLOURS,
    NATURAL_COLOUR,
    Arrangement,
    Group,
    Scene,
    implied_background,
    sample_scene,
)


def test_a_caption_names_every_thing_and_every_colour_that_is_not_natural() -> None:
    rng = random.Random(1)
    for _ in range(500):
        scene = sample_scene(rng)
        caption = describe(scene, rng, noise=0)
        for group in scene.groups:
            words = [form for w in THING_WORDS[group.thing] for form in (w, plural(w))]
            assert any(word in caption for word in words), caption
            if group.colour != NATURAL_COLOUR[group.thing]:
                assert any(word in caption for word in COLOUR_WORDS[group.colour]), caption


def test_a_caption_leaves_out_only_the_background_that_goes_without_saying() -> None:
    rng = random.Random(2)
    for _ in range(500):
        scene = sample_scene(rng)
        if scene.background == implied_background(frozenset(g.thing for g in scene.groups)):
            continue
        caption = describe(scene, rng, noise=0)
        said = COLOUR_WORDS if scene.background in COLOURS else BACKGROUND_WORDS
        words = [word.removeprefix("on ") for word in said[scene.background]]
        assert any(word in caption for word in words), caption


@pytest.mark.parametrize(
    ("arrangement", "wordings"),
    [
        (Arrangement.ROW, ("left", "right", "and", "next", "beside", "with", "near", "by")),
        (Arrangement.COLUMN, ("above", "over", "higher", "below", "under", "beneath")),
        (Arrangement.ON, ("on",)),
    ],
)
def test_a_caption_tells_the_arrangement(
    arrangement: Arrangement, wordings: tuple[str, ...]
) -> None:
    scene = Scene(arrangement, (Group("circle", "blue"), Group("heart", "green")), "paper")
    rng = random.Random(3)
    for _ in range(100):
        caption = describe(scene, rng, noise=0)
        assert any(word in caption for word in wordings), caption


def test_left_and_right_say_the_same_thing_from_both_sides() -> None:
    scene = Scene(Arrangement.ROW, (Group("circle", "blue"), Group("heart", "green")), "paper")
    rng = random.Random(4)
    for _ in range(200):
        caption = describe(scene, rng, noise=0)
        first_is_left = caption.index("blue") < caption.index("green")
        if " left " in f" {caption} ":
            assert first_is_left, caption
        if " right " in f" {caption} ":
            assert not first_is_left, caption


def test_the_vocabulary_holds_single_lower_case_words() -> None:
    words = vocabulary()
    assert len(words) == len(set(words)) > 150
    assert all(word == word.lower().strip() and " " not in word for word in words)
