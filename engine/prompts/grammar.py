r"""What is written in a prompt besides words, in the grammar of the AUTOMATIC1111 web interface.

<lora:name:0.8>   an adapter, and how much of it
(word)            weighs 1.1 times as much; brackets within brackets multiply
(word:1.3)        weighs 1.3 times as much
[word]            weighs 1.1 times less
\( \) \[ \]       brackets that are meant as such
BREAK             what follows is read apart from what comes before
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from engine.errors import InvalidRequest
from speech import say

BRACKET = 1.1
"""What a pair of brackets multiplies a weight by, or divides it by."""

MAX_WEIGHT = 10.0
"""Beyond it there is only noise, and further beyond it no number."""

ADAPTER = re.compile(r"<lora:([^:<>]+)(?::([^<>]*))?>", re.IGNORECASE)

BREAK = re.compile(r"\bBREAK\b")

SIGN = re.compile(
    r"""
    \\(?P<escaped>[\\()\[\]])
    | :\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)
    | (?P<bracket>[()\[\]])
    | (?P<text>[^\\()\[\]:]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class AdapterMention(NamedTuple):
    """An adapter in a prompt; without a weight its own counts."""

    name: str
    weight: float | None


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A piece of a prompt whose words weigh the same; 1 is as usual."""

    text: str
    weight: float


def without_adapters(prompt: str) -> tuple[str, tuple[AdapterMention, ...]]:
    """The prompt without its `<lora:…>`, and what they say.

    Raises:
        InvalidRequest: When a weight is no number.
    """
    mentions = tuple(AdapterMention(m[1].strip(), _weight_of(m)) for m in ADAPTER.finditer(prompt))
    return " ".join(ADAPTER.sub(" ", prompt).split()), mentions


def with_adapters(prompt: str, uses: Iterable[tuple[str, float]]) -> str:
    """The prompt with its adapters written into it; `without_adapters` reads them again."""
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
    """The prompt in pieces by weight, in a list for each section between its BREAKs.

    A bracket that is never opened is a letter like any other; one that is never closed reaches to
    the end.
    """
    pieces: list[WeightedText] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def close(kind: str, factor: float) -> None:
        start = opened[kind].pop()
        pieces[start:] = [
            WeightedText(piece.text, piece.weight * factor) for piece in pieces[start:]
        ]

    for sign in SIGN.finditer(prompt):
        letters = sign[0]
        if sign["escaped"]:
            pieces.append(WeightedText(sign["escaped"], 1.0))
        elif letters in opened:
            opened[letters].append(len(pieces))
        elif sign["weight"] and opened["("]:
            close("(", float(sign["weight"]))
        elif letters == ")" and opened["("]:
            close("(", BRACKET)
        elif letters == "]" and opened["["]:
            close("[", 1 / BRACKET)
        else:
            pieces.append(WeightedText(letters, 1.0))
    for kind, factor in (("(", BRACKET), ("[", 1 / BRACKET)):
        while opened[kind]:
            close(kind, factor)
    return _divided(_joined(pieces))


def _joined(pieces: Iterable[WeightedText]) -> list[WeightedText]:
    """Neighbours of the same weight as one piece; no weight is out of bounds."""
    joined: list[WeightedText] = []
    for piece in pieces:
        weight = max(-MAX_WEIGHT, min(MAX_WEIGHT, piece.weight))
        if joined and joined[-1].weight == weight:
            joined[-1] = WeightedText(joined[-1].text + piece.text, weight)
        else:
            joined.append(WeightedText(piece.text, weight))
    return joined


def _divided(pieces: Iterable[WeightedText]) -> list[list[WeightedText]]:
    divided: list[list[WeightedText]] = [[]]
    for piece in pieces:
        first, *others = BREAK.split(piece.text)
        divided[-1].append(WeightedText(first, piece.weight))
        divided += [[WeightedText(text, piece.weight)] for text in others]
    return [[piece for piece in section if piece.text] for section in divided]
