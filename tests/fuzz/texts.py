"""Texts that people type: prompts, flags, choices, axes, words, sources, and the marks in them."""

import math
from contextlib import suppress

from hypothesis import strategies as st

from cogs.grids.axes import read_axis
from cogs.grids.axis_kinds import AXIS_KINDS
from cogs.markdown import escaped, plain
from engine import AtelierError, Catalogue, InvalidRequest
from engine.errors import ModelUnavailable
from engine.hub.sources import read_source
from engine.moderation.word_filter import contains_any, find_words, normalize
from engine.moderation.word_lists import WordLists
from engine.prompts.dynamic_prompts import MAX_PROMPTS, expand_dynamic_prompt
from engine.prompts.flag_table import ALIASES, MIDJOURNEY_ONLY
from engine.prompts.flags import ignored_flags, without_flags
from engine.prompts.grammar import MAX_WEIGHT, sections, with_adapters, without_adapters
from tests.fuzz.target import Target

MAX_LENGTH = 4000
"""Characters of the longest text, as long as a prompt with its LoRAs may be."""

CATALOGUE = Catalogue({}, "sketch")


def texts_of(*parts: str) -> st.SearchStrategy[str]:
    """Texts made of the parts and of any others, some of them repeated many times."""
    part = st.sampled_from(parts) | st.text(max_size=4)
    short = st.lists(part, max_size=30).map("".join)
    many = st.tuples(short, part, st.integers(1, 1500), short)
    return (short | many.map(lambda it: it[0] + it[1] * it[2] + it[3])).map(
        lambda text: text[:MAX_LENGTH]
    )


PROMPT_PARTS = (
    *("(", ")", "[", "]", ":", ":1.2)", "\\(", "\\", " BREAK ", "AND", ", ", "a cat", "1e999"),
    *("<lora:", "ink", ":0.8>", "<lora:ink:1>", ">", "（", "）", "：", "|", "[cat:dog:0.5]", "-"),
)
PROMPTS = texts_of(*PROMPT_PARTS)
FLAGS = texts_of(
    *(f" --{name} " for name in (*ALIASES, *MIDJOURNEY_ONLY)),
    *("--", "\u2014ar", "\u2013", " ", "=", "3:2", "768x512", "7", "nan", "1" * 400, "rain", ","),
    *("::2", "random", "https://a.b/c.png", "1.2.3", "-5", "\n", "16：9"),
)
CHOICES = texts_of("{", "}", ",", "|", "\\{", "\\", "a", " ", "{a|b}", "{a, b}", "{" * 8)
AXES = texts_of(
    *("1-9", "1-3:0.5", ",", '"', "7", "0", ":", "-", "9" * 10, "0.0001", "word", "->", "sketch"),
    *("3:2", "512x512", "euler", " ", "\n", "random", "x4"),
)
WORDS = texts_of(
    *("blood", "рот", "Straße", "血液", "ａ", "\u200b", "\u00ad", "\U000e0100", "\u2800", "\x7f"),
    *(
        "\u0301",
        "\u0336",
        "ʙʟᴏᴏᴅ",
        "ꓐ",
        "Ⓑ",
        "\u0378",
        "\u05b0",
        "_",
        " ",
        "دَم",
        "İ",
        "ﷺ",
        "\ud800",
    ),
)
MARKS = texts_of(
    *("[", "](", ")", "https://a.b", "**", "__", "~~", "||", "`", "```", "\\", "\n", "# ", "> "),
    *("- ", "1. ", "<@1>", "@everyone", "<t:1:R>", "<:a:1>", ":a:", "\u202e", "\ufeff", "\u2028"),
)
SOURCES = texts_of(
    *("owner/name", "/", "~", "~nobody/x", "..", "\0", "C:\\models", ".safetensors", ".gguf", "@"),
    *("https://huggingface.co/", "https://civitai.com/models/1", "hf.co", "?", "#", ":", "blob"),
    *("\ud800", "a" * 300, " ", "models--a--b", "resolve/main/x.safetensors"),
)


def check_prompt(prompt: str) -> None:
    """Weights are numbers within their bounds, nothing is made up, LoRAs are found again."""
    for section in sections(prompt):
        for piece in section:
            assert piece.text in prompt or "\\" in prompt or "(" in prompt or "[" in prompt
            assert math.isfinite(piece.weight)
            assert abs(piece.weight) <= MAX_WEIGHT
    with suppress(InvalidRequest):
        words, uses = without_adapters(prompt)
        if not without_adapters(words)[1]:
            assert without_adapters(with_adapters(words, [("ink", 0.5)])) == (
                words,
                (("ink", 0.5),),
            )
        assert len(uses) <= prompt.count("<")


def check_flags(prompt: str) -> None:
    """Flags are read, or said to be wrong; the words are no longer than they were."""
    ignored_flags(prompt)
    with suppress(InvalidRequest):
        words, _ = without_flags(prompt)
        assert len(words) <= len(prompt)


def check_choices(text: str) -> None:
    """There are a few prompts, or a sentence; without braces there is the text itself."""
    with suppress(InvalidRequest):
        prompts = expand_dynamic_prompt(text)
        assert 1 <= len(prompts) <= MAX_PROMPTS
        assert "{" in text or "\\" in text or prompts == (text,)
        assert all(len(prompt) <= len(text) for prompt in prompts)


def check_axis(kind_and_text: tuple[str, str]) -> None:
    """There are a few values, or a sentence."""
    with suppress(AtelierError):
        assert 1 <= len(read_axis(*kind_and_text, CATALOGUE).labels) <= 100


def check_words(text: str) -> None:
    """Comparing a word twice changes nothing, and it is found in itself."""
    word = normalize(text)
    assert normalize(word) == word
    if word:
        assert contains_any([word], text)
    find_words([f"word{number}" for number in range(400)], text)
    WordLists(blocked=(word,) if word else ()).from_preferences({"blocked_words": text})


def check_marks(text: str) -> None:
    """Without the backslashes it is what was typed, and it is at most twice as long."""
    shown = escaped(text)
    assert len(shown) <= 2 * len(text)
    assert "||" not in shown.replace("\\|", "")
    assert len(plain(text)) <= len(text)


def check_source(text: str) -> None:
    """It is a source, or a sentence says why not."""
    with suppress(ModelUnavailable):
        read_source(text)


TARGETS = (
    Target("prompts", PROMPTS, check_prompt),
    Target("flags", FLAGS, check_flags),
    Target("dynamic prompts", CHOICES, check_choices),
    Target("axes", st.tuples(st.sampled_from([*AXIS_KINDS]), AXES), check_axis),
    Target("words", WORDS, check_words),
    Target("markdown", MARKS, check_marks),
    Target("sources", SOURCES, check_source),
)
