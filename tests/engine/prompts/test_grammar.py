"""The grammar of prompts: what people paste from the AUTOMATIC1111 web interface means the same."""

import time

import pytest

from engine.errors import InvalidRequest
from engine.prompts.grammar import (
    MAX_WEIGHT,
    AdapterMention,
    sections,
    with_adapters,
    without_adapters,
    words_only,
)


def weights(prompt: str) -> list[tuple[str, float]]:
    """The pieces of a prompt without BREAK, blank ones left out."""
    [section] = sections(prompt)
    return [(piece.text.strip(), round(piece.weight, 4)) for piece in section if piece.text.strip()]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", []),
        ("a house: red", [("a house: red", 1.0)]),
        ("a (red) house", [("a", 1.0), ("red", 1.1), ("house", 1.0)]),
        ("a ((red)) house", [("a", 1.0), ("red", 1.21), ("house", 1.0)]),
        ("a [red] house", [("a", 1.0), ("red", 0.9091), ("house", 1.0)]),
        ("a (red:1.5) house", [("a", 1.0), ("red", 1.5), ("house", 1.0)]),
        ("(red: 0.5 )", [("red", 0.5)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(red:-1)", [("red", -1.0)]),
        ("(a (red:1.5) house:2)", [("a", 2.0), ("red", 3.0), ("house", 2.0)]),
        ("([red])", [("red", 1.0)]),
        (r"a \(red\) \[house\]", [("a (red) [house]", 1.0)]),
        (r"(a \(red\):1.3)", [("a (red)", 1.3)]),
        (r"c:\house", [(r"c:\house", 1.0)]),
        ("a house :)", [("a house :)", 1.0)]),
        ("a ] house", [("a ] house", 1.0)]),
        ("a (red house", [("a", 1.0), ("red house", 1.1)]),
        ("a [red house", [("a", 1.0), ("red house", 0.9091)]),
        ("(red:blue)", [("red:blue", 1.1)]),
        ("[red:1.5]", [("red:1.5", 0.9091)]),
        ("(red:99999999)", [("red", MAX_WEIGHT)]),
        ("（red：1.5）（blue:０．５)", [("red", 1.5), ("blue", 0.5)]),
        ("(red：1.5)", [("red", 1.5)]),
        ("一只（黑色）猫：", [("一只（黑色）猫：", 1.0)]),
    ],
)
def test_brackets_weigh_words(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert weights(prompt) == expected


def test_a_break_divides_and_keeps_weights_that_reach_over_it() -> None:
    first, second = sections("a (red BREAK blue:1.5) BREAKFAST")
    assert [(piece.text, piece.weight) for piece in first] == [("a ", 1.0), ("red ", 1.5)]
    assert [(piece.text, piece.weight) for piece in second] == [(" blue", 1.5), (" BREAKFAST", 1.0)]


@pytest.mark.parametrize(
    ("prompt", "words", "mentions"),
    [
        ("a house", "a house", ()),
        ("a <lora:ink:0.8> house", "a house", (AdapterMention("ink", 0.8),)),
        ("<lora:Ink v1.5>a house", "a house", (AdapterMention("Ink v1.5", None),)),
        (
            "a house<lora:ink:1><LORA:wash:-.5>",
            "a house",
            (AdapterMention("ink", 1.0), AdapterMention("wash", -0.5)),
        ),
        ("a <b> house", "a <b> house", ()),
        ("＜lora：ink：０．８＞a", "a", (AdapterMention("ink", 0.8),)),
    ],
)
def test_adapters_are_taken_out_of_a_prompt(
    prompt: str, words: str, mentions: tuple[AdapterMention, ...]
) -> None:
    assert without_adapters(prompt) == (words, mentions)


def test_adapters_that_are_written_into_a_prompt_are_read_again() -> None:
    uses = (("ink", 0.8), ("wash", 1.0))
    assert with_adapters("a house", uses) == "a house <lora:ink:0.8> <lora:wash:1>"
    assert without_adapters(with_adapters("a house", uses)) == ("a house", uses)


def test_a_weight_that_is_no_number_is_explained() -> None:
    with pytest.raises(InvalidRequest) as caught:
        without_adapters("a house <lora:ink:much>")
    assert str(caught.value) == (
        "The weight in <lora:ink:much> isn't a number. Write it like <lora:ink:0.8>."
    )


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a [cat:dog:0.5] [red|blue] AND b", ("[cat:dog:0.5]", "[red|blue]", "AND")),
        ("[<lora:ink:0.3>:15] [fog::8] [fog:.5]", ("[<lora:ink:0.3>:15]", "[fog::8]", "[fog:.5]")),
        (r"[red] [a: b] \[a|b] (a|b:1.2) SAND BREAK", ()),
        ("A CAT AND A DOG", ()),
    ],
)
def test_what_other_programs_would_not_paint_as_words_is_named(
    prompt: str, parts: tuple[str, ...]
) -> None:
    assert words_only(prompt) == parts


@pytest.mark.parametrize(
    "part",
    [
        "（",
        "（:",
        "（1:",
        "[|",
        "[:1",
        "[a:1",
        "(b",
        "[b",
        "a, (b((b(",
        "(b)",
        "((b:2)",
        ":1",
        "1",
        "<lora:",
        "][",
    ],
)
def test_brackets_take_time_in_proportion_to_the_prompt(part: str) -> None:
    prompt = ":" + part * (2000 // len(part))
    begun = time.process_time()
    sections(prompt)
    words_only(prompt)
    without_adapters(prompt.replace(">", ""))
    assert time.process_time() - begun < 0.1
