"""Axes as people type them."""

from __future__ import annotations

import pytest

from cogs.grids.axes import apply_axis_value, read_axis
from cogs.requests.builder import TypedRequest
from engine import Axis, Catalogue, ImageRequest, InvalidRequest, UnknownModel

MODELS = Catalogue({}, "sketch")


def values(kind: str, text: str) -> list[str]:
    return list(read_axis(kind, text, MODELS).labels)


def typed(prompt: str = "a red fish", lora: str | None = None, **more: object) -> TypedRequest:
    return TypedRequest(request=ImageRequest(prompt=prompt, **more), lora=lora)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("seed", "1, 2 ,3", "1 2 3"),
        ("seed", "1-9:3", "1 4 7"),
        ("seed", "7，7, 007", "7"),
        ("seed", "1-3, 10-20:10", "1 2 3 10 20"),
        ("guidance", "3.50, 10, 0", "3.5 10 0"),
        ("guidance", "2 – 3 : 0.25", "2 2.25 2.5 2.75 3"),
        ("strength", "0.3-0.6", "0.3 0.4 0.5 0.6"),
        ("chaos", "0-100:50", "0 50 100"),
        ("scheduler", "ddim, euler_a,", "ddim euler_a"),
        ("model", "sketch", "sketch"),
    ],
)
def test_lists_and_ranges_become_values(kind: str, text: str, expected: str) -> None:
    assert values(kind, text) == expected.split()


def test_words_may_have_commas_in_quotes() -> None:
    assert values("words", 'red,  dark   blue, "grey, or so", “猫, 狗”') == [
        "red",
        "dark blue",
        "grey, or so",
        "猫, 狗",
    ]


def test_a_random_seed_is_drawn_once_and_told_as_it_is() -> None:
    first, second = values("seed", "random, RANDOM")
    assert first.isdecimal()
    assert first != second


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("seed", "fish", "“fish” isn't a valid value for seed. Use numbers like 1-4."),
        ("seed", "1.5", "“1.5” isn't a valid value for seed"),
        ("steps", "1-9:0.5", "Use whole numbers for steps"),
        ("guidance", "1e5", "“1e5” isn't a valid value for guidance"),
        ("guidance", "nan", "“nan” isn't a valid value for guidance"),
        ("seed", "9-1", "“9-1” isn't a valid range"),
        ("seed", "1-9:0", "“1-9” isn't a valid range"),
        ("seed", "0-4000000000", "has over 12 values"),
        ("seed", ",".join(map(str, range(13))), "has over 12 values"),
        ("words", " , ,", "The axis “words” has no values"),
        ("lora", '""', "The axis “LoRA” has no values"),
    ],
)
def test_nonsense_is_told(kind: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence.replace(".", r"\.")):
        read_axis(kind, text, MODELS)


def test_an_unknown_model_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UnknownModel, match="Did you mean “sketch”"):
        read_axis("model", "sketch, skecth", MODELS)


def test_each_place_changes_what_was_typed() -> None:
    def at(kind: str, label: str, given: TypedRequest | None = None) -> TypedRequest:
        return apply_axis_value(given or typed(), kind, Axis(title=kind, labels=(label,)), 0)

    assert at("seed", "7").request.seed == 7
    assert at("guidance", "2.5").request.guidance_scale == 2.5
    assert at("steps", "9").request.num_inference_steps == 9
    assert at("strength", "0.3").request.strength == 0.3
    assert at("chaos", "30").request.chaos == 30
    assert at("model", "sketch").request.model == "sketch"
    assert at("scheduler", "ddim").request.scheduler == "ddim"
    assert at("size", "3:2").size == "3:2"
    assert at("style", "ink").style == "ink"
    assert at("lora", "fox:0.5").lora == "fox:0.5"
    assert at("lora", "fox:0.5", typed(lora="owl")).lora == "owl, fox:0.5"
    assert at("lora", "-0.5", typed(lora="owl:1")).lora == "owl:-0.5"
    assert at("lora", "none", typed(lora="owl")).lora == "owl"


def test_the_first_words_are_the_ones_that_the_others_stand_in_for() -> None:
    axis = Axis(title="words", labels=("red", "blue"))
    prompts = [apply_axis_value(typed(), "words", axis, place).request.prompt for place in (0, 1)]
    assert prompts == ["a red fish", "a blue fish"]
    with pytest.raises(InvalidRequest, match="“red” isn't in the prompt"):
        apply_axis_value(typed("a green fish"), "words", axis, 1)


@pytest.mark.parametrize("given", [typed(seed=5), typed()])
def test_what_is_on_the_axis_has_no_value_beside_it(given: TypedRequest) -> None:
    axis = Axis(title="seed", labels=("1",))
    if given.request.seed is None:
        assert apply_axis_value(given, "seed", axis, 0).request.seed == 1
    else:
        with pytest.raises(InvalidRequest, match="“seed” is already on an axis"):
            apply_axis_value(given, "seed", axis, 0)


@pytest.mark.parametrize("lora", [None, "fox, owl"])
def test_weights_alone_need_one_lora_to_be_of(lora: str | None) -> None:
    with pytest.raises(InvalidRequest, match=r"0\.5 is a weight, but for which LoRA"):
        apply_axis_value(typed(lora=lora), "lora", Axis(title="LoRA", labels=("0.5",)), 0)
