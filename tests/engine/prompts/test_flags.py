"""Flags in a prompt, as Midjourney users type them."""

from typing import Any

import pytest

from engine import ImageRequest, InvalidRequest
from engine.models.catalogue import SKETCH
from engine.prompts.flag_table import ALIASES, EXAMPLES, READERS, SWITCHES
from engine.prompts.flags import FIELDS, without_flags


def asked(prompt: str, **typed: Any) -> ImageRequest:
    """The request that a prompt and typed options make."""
    words, flags = without_flags(prompt)
    return flags.applied_to(ImageRequest(prompt=words, **typed), SKETCH)


def test_they_are_kept_as_typed() -> None:
    words, flags = without_flags("a --ar 3:2 red house --no rain, mud --tile --v 6 in snow —seed 7")
    assert words == "a red house in snow"
    assert flags.text == "--ar 3:2 --no rain, mud --tile --v 6 —seed 7"
    assert without_flags("a red house")[1].text == ""


@pytest.mark.parametrize(
    ("flag", "fields"),
    [
        ("--ar 3:2", {"width": 160, "height": 112}),
        ("--aspect 1:1", {"width": 128, "height": 128}),
        ("--ar 16/9", {"width": 176, "height": 96}),
        ("--size 96x192", {"width": 96, "height": 192}),
        ("--seed 7", {"seed": 7}),
        ("--SEED=7", {"seed": 7}),
        ("--steps 20", {"num_inference_steps": 20}),
        ("--cfg 6.5", {"guidance_scale": 6.5}),
        ("--repeat 4", {"count": 4}),
        ("--count 4", {"count": 4}),
        ("--model xl", {"model": "xl"}),
        ("--scheduler euler", {"scheduler": "euler"}),
        ("--strength 0.3", {"strength": 0.3}),
        ("--iw 1", {"strength": 0.6}),
        ("--iw 0", {"strength": 1.0}),
        ("--iw 3", {"strength": 0.33}),
        ("--no rain, hands", {"negative_prompt": "rain, hands"}),
    ],
)
def test_each_flag_fills_its_field(flag: str, fields: dict[str, Any]) -> None:
    wanted = ImageRequest(prompt="a red house", **fields)
    assert asked(f"a red house {flag}") == wanted
    assert asked(f"{flag} --seed 7").seed == 7


def test_they_stand_anywhere_and_what_is_left_are_the_words() -> None:
    request = asked("--seed 7 a red --ar 1:1 house\n--no rain --no hands --steps 5 at night")
    assert request.prompt == "a red house at night"
    assert request.negative_prompt == "rain, hands"
    assert (request.seed, request.width, request.num_inference_steps) == (7, 128, 5)


@pytest.mark.parametrize("dash", ["\u2014", "\u2013"])
def test_the_dash_that_a_phone_makes_of_two_hyphens_is_meant_as_such(dash: str) -> None:
    request = asked(f"a red house {dash}seed 7 {dash}no rain")
    assert (request.prompt, request.seed, request.negative_prompt) == ("a red house", 7, "rain")
    for prose in (f"a house {dash} red", f"a house {dash}red{dash}seed", f"night{dash}seed 7"):
        assert asked(prose) == ImageRequest(prompt=prose)


@pytest.mark.parametrize(
    "prompt",
    [
        "a house ——ar 3：2",
        "a house,--ar 3:2",
        "a house －－ar ３∶２",
        "--ar 3:2, a house",
        "a 房子——ar 3:2",
        "房子--ar 3：2，--v 6，",
        "a house --ar: 3:2",
    ],
)
def test_signs_of_other_keyboards_are_understood(prompt: str) -> None:
    words, flags = without_flags(prompt)
    assert str(flags.dimensions) == "3:2"
    assert words.strip(" ,，") in ("a house", "a 房子", "房子")


@pytest.mark.parametrize("prompt", ["a house,—no rain", "a,--zzz", "房子——红色", "a——seed 7"])
def test_signs_before_other_words_are_words(prompt: str) -> None:
    assert asked(prompt) == ImageRequest(prompt=prompt)


@pytest.mark.parametrize("prompt", ["a house -- red", "x--seed 7", "---", "-seed 7", "--", "a  b"])
def test_other_hyphens_are_letters(prompt: str) -> None:
    assert asked(prompt) == ImageRequest(prompt=prompt)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("fish --sed 7", "There's no flag --sed. Did you mean --seed?"),
        ("fish --zzz", "There's no flag --zzz. Available: --ar --size"),
        ("fish --sref 12 --sw 1001", "--sw goes from 0 to 1000, not 1001."),
        ("fish --sref 12 --ow 50", "--ow is the weight of --oref, which isn't there."),
        ("fish --chaos much", "--chaos takes a whole number, not “much”."),
        ("fish --seed red", "--seed takes a whole number, not “red”."),
        ("fish --steps 2.5", "--steps takes a whole number, not “2.5”."),
        ("fish --cfg much", "--cfg takes a number, not “much”."),
        ("fish --ar wide", "--ar takes a ratio or size, like 3:2 or 768x512, not “wide”."),
        ("fish --ar 0:2", "--ar takes a ratio or size"),
        ("fish --ar 9:1", "sketch can't paint anything as narrow as 9:1. Its sides are 96 to 192"),
        ("fish --iw 4", "--iw goes from 0 to 3, not 4."),
        ("fish --iw nan", "--iw goes from 0 to 3, not nan."),
        ("fish --seed", "--seed needs a value. Example: --seed 7."),
        ("fish --no --seed 7", "--no needs a value. Example: --no rain."),
        ("fish --aspect", "--aspect needs a value. Example: --ar 3:2."),
        ("fish --seed 7 --seed 8", "The seed is given twice: 7 and 8. Remove one of them."),
        ("fish --ar 3:2 --size 96x96", "The shape is given twice: 3:2 and 96x96."),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(prompt: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(prompt)
    assert str(caught.value).startswith(sentence)


def test_an_option_that_says_the_same_is_fine_and_one_that_does_not_is_a_mistake() -> None:
    assert asked("fish --seed 7 --ar 1:1", seed=7, width=128, height=128).seed == 7
    with pytest.raises(InvalidRequest, match=r"The number of steps is given twice: 5 and 20\."):
        asked("fish --steps 20", num_inference_steps=5)
    with pytest.raises(InvalidRequest, match="The width is given twice: 96 and 160"):
        asked("fish --ar 3:2", width=96, height=128)


def test_what_is_not_wanted_counts_together() -> None:
    assert asked("fish --no rain", negative_prompt="hands").negative_prompt == "hands, rain"


def test_every_flag_has_an_example_that_is_understood() -> None:
    assert set(EXAMPLES) == {*READERS, *SWITCHES} == set(ALIASES.values())
    for name, example in EXAMPLES.items():
        understood = asked(f"fish {example}") != ImageRequest(prompt="fish")
        _, flags = without_flags(f"fish {example}")
        assert understood or flags.draft or flags.pictures, name


def test_all_that_a_flag_says_has_a_name_for_people() -> None:
    samples = {"ar": "3:2", "size": "64x64"}
    told = {field for name in READERS for field in READERS[name](name, samples.get(name, "1"))}
    assert told - {"negative_prompt", "pictures"} <= FIELDS.keys()


@pytest.mark.parametrize("flag", ["--strength nan", "--cfg nan", "--cfg inf", "--strength -inf"])
def test_what_is_no_amount_is_refused_like_any_other_value(flag: str) -> None:
    """NaN differs from itself, which must not look like a contradiction."""
    words, flags = without_flags(f"a cat {flag}")
    request = flags.applied_to(ImageRequest(prompt=words, image="a.png"), SKETCH)
    with pytest.raises(InvalidRequest):
        request.resolve(SKETCH)


@pytest.mark.parametrize(
    "flag",
    ["--v 6.1", "--stylize 250", "--s 50", "--q 2", "--style raw", "--raw", "\u2014v 6", "--niji"],
)
def test_what_only_midjourney_has_is_ignored(flag: str) -> None:
    words, flags = without_flags(f"fish {flag} --seed 7")
    assert (words, flags.values, len(flags.ignored)) == ("fish", {"seed": 7}, 1)
