r"""The syntax in prompts besides words, as in the AUTOMATIC1111 web interface.

<lora:name:0.8>   a LoRA with its weight
(word)            multiplies the weight by 1.1; nested brackets multiply
(word:1.3)        multiplies the weight by 1.3
[word]            divides the weight by 1.1
\( \) \[ \]       literal brackets
BREAK             what follows is encoded apart from what comes before
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from engine.errors import InvalidRequest
from speech import say

BRACKET_FACTOR = 1.1
"""What a pair of brackets multiplies a weight by, or divides it by."""

MAX_WEIGHT = 10.0
"""Larger weights give only noise, and much larger ones no valid number."""

ADAPTER = re.compile(r"<lora:([^:<>]+)(?::([^<>]*))?>", re.IGNORECASE)

BREAK = re.compile(r"\bBREAK\b")

TOKEN = re.compile(
    r"""
    \\(?P<escaped>[\\()\[\]])
    | :\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)
    | (?P<bracket>[()\[\]])
    | (?P<text>[^\\()\[\]:]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class AdapterMention(NamedTuple):
    """An adapter in a prompt; without a weight its default counts."""

    name: str
    weight: float | None


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A piece of a prompt with one weight; 1 is normal."""

    text: str
    weight: float


def without_adapters(prompt: str) -> tuple[str, tuple[AdapterMention, ...]]:
    """The prompt without its `<lora:…>`, and the adapters in them.

    Raises:
        InvalidRequest: When a weight isn't a number.
    """
    mentions = tuple(AdapterMention(m[1].strip(), _weight_of(m)) for m in ADAPTER.finditer(prompt))
    return " ".join(ADAPTER.sub(" ", prompt).split()), mentions


def with_adapters(prompt: str, uses: Iterable[tuple[str, float]]) -> str:
    """The prompt with adapters written into it, as `without_adapters` reads them."""
    return " ".join([prompt, *(f"<lora:{name}:{weight:g}>" for name, weight in uses)])


def _weight_of(match: re.Match[str]) -> float | None:
    if match[2] is None:
        return None
    try:
        return float(match[2])
    except ValueError:
        raise InvalidRequest(
            say(
                "The weight in {mention} isn't a number. Write it like <lora:{name}:0.8>.",
                mention=match[0],
                name=match[1],
            )
        ) from None


def sections(prompt: str) -> list[list[WeightedText]]:
    """The pieces of a prompt by weight, in a list for each section between its BREAKs.

    A closing bracket without an opening one is a literal; an opening one without a closing one
    reaches to the end.
    """
    pieces: list[WeightedText] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def close(kind: str, factor: float) -> None:
        start = opened[kind].pop()
        pieces[start:] = [
            WeightedText(piece.text, piece.weight * factor) for piece in pieces[start:]
        ]

    for token in TOKEN.finditer(prompt):
        text = token[0]
        if token["escaped"]:
            pieces.append(WeightedText(token["escaped"], 1.0))
        elif text in opened:
            opened[text].append(len(pieces))
        elif token["weight"] and opened["("]:
            close("(", float(token["weight"]))
        elif text == ")" and opened["("]:
            close("(", BRACKET_FACTOR)
        elif text == "]" and opened["["]:
            close("[", 1 / BRACKET_FACTOR)
        else:
            pieces.append(WeightedText(text, 1.0))
    for kind, factor in (("(", BRACKET_FACTOR), ("[", 1 / BRACKET_FACTOR)):
        while opened[kind]:
            close(kind, factor)
    return _split_sections(_merged(pieces))


def _merged(pieces: Iterable[WeightedText]) -> list[WeightedText]:
    """Neighbours of the same weight merged, and weights clamped."""
    merged: list[WeightedText] = []
    for piece in pieces:
        weight = max(-MAX_WEIGHT, min(MAX_WEIGHT, piece.weight))
        if merged and merged[-1].weight == weight:
            merged[-1] = WeightedText(merged[-1].text + piece.text, weight)
        else:
            merged.append(WeightedText(piece.text, weight))
    return merged


def _split_sections(pieces: Iterable[WeightedText]) -> list[list[WeightedText]]:
    result: list[list[WeightedText]] = [[]]
    for piece in pieces:
        first, *others = BREAK.split(piece.text)
        result[-1].append(WeightedText(first, piece.weight))
        result += [[WeightedText(text, piece.weight)] for text in others]
    return [[piece for piece in section if piece.text] for section in result]
