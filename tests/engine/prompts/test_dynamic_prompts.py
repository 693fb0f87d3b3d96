"""Braces: one text for several prompts."""

from random import Random

import pytest

from engine.errors import InvalidRequest
from engine.prompts.dynamic_prompts import MAX_PROMPTS, expand_dynamic_prompt


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a red house", ["a red house"]),
        ("{red, blue} house", ["red house", "blue house"]),
        ("｛红，蓝}房子，", ["红房子，", "蓝房子，"]),
        (
            "a {red,blue} {house, boat}",
            ["a red house", "a red boat", "a blue house", "a blue boat"],
        ),
        ("{a {red, blue} boat, a fish}", ["a red boat", "a blue boat", "a fish"]),
        ("a {, very} red house", ["a  red house", "a very red house"]),
        ("fish {--ar 1:1, --ar 3:2}", ["fish --ar 1:1", "fish --ar 3:2"]),
    ],
)
def test_commas_in_braces_make_a_prompt_of_each_option(text: str, prompts: list[str]) -> None:
    assert list(expand_dynamic_prompt(text)) == prompts


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("{masterpiece} fish", "{masterpiece} fish"),
        ("{{red}} fish", "{{red}} fish"),
        ("red, blue} | fish", "red, blue} | fish"),
        (r"a \{red, blue\} fish", "a {red, blue} fish"),
        (r"a \(red\, blue\) fish \| {", r"a \(red\, blue\) fish \| {"),
        ("\\", "\\"),
        ("{" * 2000, "{" * 2000),
        ("", ""),
    ],
)
def test_braces_that_offer_nothing_are_letters(text: str, prompt: str) -> None:
    assert expand_dynamic_prompt(text) == (prompt,)


def test_signs_are_meant_as_such_behind_a_backslash() -> None:
    assert expand_dynamic_prompt(r"{red\, green, blue} fish") == ("red, green fish", "blue fish")
    assert expand_dynamic_prompt(r"{a\|b, c}") == ("a|b", "c")


def test_a_bar_draws_one_of_its_options_and_draws_anew_for_each_prompt() -> None:
    drawn = {expand_dynamic_prompt("a {red|blue|green} fish", Random(i))[0] for i in range(50)}
    assert drawn == {"a red fish", "a blue fish", "a green fish"}
    pairs = {expand_dynamic_prompt("{fish, boat} {red|blue}", Random(i)) for i in range(100)}
    assert len(pairs) == 4, "the two prompts draw by themselves"
    assert all(len(pair) == 2 for pair in pairs)


def test_what_is_within_a_lot_is_drawn_too() -> None:
    drawn = {expand_dynamic_prompt("{{red, blue} fish|boat}", Random(i)) for i in range(100)}
    assert drawn == {("red fish",), ("blue fish",), ("boat",)}


def test_the_same_dice_draw_the_same() -> None:
    text = "{a|b|c} {d|e|f} {g|h}"
    assert expand_dynamic_prompt(text, Random(5)) == expand_dynamic_prompt(text, Random(5))


def test_there_is_a_bound_that_is_known_before_anything_is_written_out() -> None:
    assert len(expand_dynamic_prompt("{a,b,c,d} {a,b,c,d}")) == MAX_PROMPTS
    with pytest.raises(InvalidRequest, match="stand for 20 prompts; the limit is 16"):
        expand_dynamic_prompt("{a,b,c,d} {a,b,c,d,e}")
    with pytest.raises(InvalidRequest, match="stand for at least 10,000 prompts"):
        expand_dynamic_prompt("{a,b}" * 400)
    with pytest.raises(InvalidRequest, match="Braces can be nested at most 8 deep, not 9"):
        expand_dynamic_prompt("{a," * 50 + "b" + "}" * 50)


@pytest.mark.parametrize("text", ["a {red, blue fish", "a {red|{blue} fish", "{" * 999 + ","])
def test_braces_that_offer_something_are_to_be_closed(text: str) -> None:
    with pytest.raises(InvalidRequest, match="aren't closed"):
        expand_dynamic_prompt(text)


def test_braces_in_braces_that_offer_something_stay_letters() -> None:
    assert expand_dynamic_prompt("{{red, blue}} fish") == ("{red} fish", "{blue} fish")
    assert expand_dynamic_prompt("{a {b}, c}") == ("a {b}", "c")
