r"""The syntax in prompts besides words, as in the AUTOMATIC1111 web interface.

<lora:name:0.8>   a LoRA with its weight
(word)            multiplies the weight by 1.1; nested brackets multiply
(word:1.3)        multiplies the weight by 1.3
[word]            divides the weight by 1.1
\( \) \[ \]       literal brackets
BREAK             what follows is encoded apart from what comes before

The signs of Chinese and Japanese keyboards mean the same: （word：1.3）, ＜lora：name：0.8＞.
Without a weight, their brackets are punctuation. What other programs switch between while they
paint, [a:b:0.5] and [a|b], and prompts joined by AND, are painted as words: `words_only` names
them.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from engine.errors import InvalidRequest
from speech import say

BRACKET_FACTOR = 1.1
"""What a pair of brackets multiplies a weight by, or divides it by."""

MAX_WEIGHT = 10.0
"""Larger weights give only noise, and much larger ones no valid number."""

MAX_PRODUCT = 1e100
"""Where products of nested weights stop growing: past the largest number, they would be no number
any more."""

ADAPTER = re.compile(r"[<＜]lora[:：]([^:：<>＜＞]+)(?:[:：]([^<>＜＞]*))?[>＞]", re.IGNORECASE)

WIDE_WEIGHT = re.compile(r"（([^（）]*)[:：]\s*+([+-]?[\d.．]++)\s*+[)）]")
"""Words with a weight, in the brackets of a Chinese keyboard."""

SWITCHED = re.compile(r"(?<!\\)\[[^\[\]]*(?:\|[^\[\]]*|:\s*+(?:\d++\.?+\d*+|\.\d++)\s*+)\]")
"""Words that the AUTOMATIC1111 web interface would switch between while it paints."""

AND = re.compile(r"\bAND\b")

MAX_SHOWN = 40
"""Characters of a part of a prompt that are shown."""

BREAK = re.compile(r"\bBREAK\b")

TOKEN = re.compile(
    r"""
    \\(?P<escaped>[\\()\[\]])
    | [:：]\s*+(?P<weight>[+-]?(?:\d++(?:\.\d*+)?|\.\d++))\s*+\)
    | (?P<bracket>[()\[\]])
    | (?P<text>[^\\()\[\]:：]+|.)
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


def with_trigger_words(prompt: str, triggers: Iterable[str]) -> str:
    """The prompt with the words of these lists, separated by commas, that it doesn't have yet."""
    parts = [prompt]
    for word in (word.strip() for trigger in triggers for word in trigger.split(",")):
        if word and word.casefold() not in ", ".join(parts).casefold():
            parts.append(word)
    return ", ".join(part for part in parts if part)


def words_only(prompt: str) -> tuple[str, ...]:
    """The parts of a prompt that other programs would not paint as the words that they are."""
    switched = (match[0] for match in SWITCHED.finditer(prompt))
    joined = AND.findall(prompt) if prompt.upper() != prompt else []
    shown = (each if len(each) <= MAX_SHOWN else each[:MAX_SHOWN] + "…" for each in switched)
    return tuple(dict.fromkeys([*shown, *joined]))


def _weight_of(match: re.Match[str]) -> float | None:
    if match[2] is None:
        return None
    try:
        return float(unicodedata.normalize("NFKC", match[2]))
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
    reaches to the end. Takes time in proportion to the length of the prompt, whatever is in it.
    """
    tokens = list(TOKEN.finditer(WIDE_WEIGHT.sub(_narrow, prompt)))
    factors = _factors(tokens)
    around = {"(": [1.0], "[": [1.0]}
    pieces: list[WeightedText] = []
    for number, token in enumerate(tokens):
        text, factor = token[0], factors.get(number)
        if factor is None:
            weight = _bounded(around["("][-1] * around["["][-1], MAX_WEIGHT)
            pieces.append(WeightedText(token["escaped"] or text, weight))
        elif text in around:
            around[text].append(_bounded(around[text][-1] * factor, MAX_PRODUCT))
        else:
            around["[" if text == "]" else "("].pop()
    return _split_sections(_merged(pieces))


def _narrow(match: re.Match[str]) -> str:
    """Words with a weight, in brackets as they are read here."""
    return f"({match[1]}:{unicodedata.normalize('NFKC', match[2])})"


def _factors(tokens: Iterable[re.Match[str]]) -> dict[int, float]:
    """What each bracket multiplies weights by, by the number of its token. Other tokens are text.

    Round and square brackets are paired apart, so a pair of one kind may overlap one of the other.
    """
    factors: dict[int, float] = {}
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for number, token in enumerate(tokens):
        text = token[0]
        if text in opened:
            factors[number] = BRACKET_FACTOR if text == "(" else 1 / BRACKET_FACTOR
            opened[text].append(number)
        elif (token["weight"] or text == ")") and opened["("]:
            factors[number] = 1.0
            if token["weight"]:
                factors[opened["("][-1]] = _bounded(float(token["weight"]), MAX_PRODUCT)
            opened["("].pop()
        elif text == "]" and opened["["]:
            factors[number] = 1.0
            opened["["].pop()
    return factors


def _bounded(number: float, most: float) -> float:
    return max(-most, min(most, number))


def _merged(pieces: Iterable[WeightedText]) -> list[WeightedText]:
    """Neighbours of the same weight merged."""
    return [
        WeightedText("".join(piece.text for piece in alike), weight)
        for weight, alike in itertools.groupby(pieces, key=lambda piece: piece.weight)
    ]


def _split_sections(pieces: Iterable[WeightedText]) -> list[list[WeightedText]]:
    result: list[list[WeightedText]] = [[]]
    for piece in pieces:
        first, *others = BREAK.split(piece.text)
        result[-1].append(WeightedText(first, piece.weight))
        result += [[WeightedText(text, piece.weight)] for text in others]
    return [[piece for piece in section if piece.text] for section in result]
