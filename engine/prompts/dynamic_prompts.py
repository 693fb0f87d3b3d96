r"""One text that stands for several prompts.

{red, blue} house             two prompts: “red house” and “blue house”
{red|blue} house              one prompt, with one of the two, drawn by lot
{a {red|blue} boat, a fish}   they go into each other; what is within a lot is all drawn
\{ \} \, \|                   such a sign that is meant as such

Braces with neither comma nor bar in them, and braces that are never closed, are letters like any
other.
"""

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Union

from engine.errors import InvalidRequest
from speech import say

MAX_PROMPTS = 16
"""The most prompts that one text may stand for."""

MAX_DEPTH = 8
"""How deep choices may go into each other."""

SIGN = re.compile(r"\\(?P<escaped>[{},|])|(?P<sign>[{},|])|[^\\{},|]+|.", re.DOTALL)

Phrase = tuple[Union[str, "_Choice"], ...]
"""Letters and choices, one after the other."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A pair of braces: each option makes a prompt, or one of them is drawn."""

    options: tuple[Phrase, ...]
    drawn: bool
    depth: int


class _Braces:
    """Braces that are open: their options by comma, and each by bar."""

    def __init__(self) -> None:
        self.options: list[list[list[str | _Choice]]] = [[[]]]

    def add(self, *parts: str | _Choice) -> None:
        self.options[-1][-1].extend(parts)

    def letters(self) -> Phrase:
        """What is in them, its commas and bars taken as letters."""
        parts: list[str | _Choice] = []
        for i, option in enumerate(self.options):
            parts += [","] * bool(i)
            for j, lot in enumerate(option):
                parts += ["|"] * bool(j) + lot
        return tuple(parts)

    def closed(self) -> Phrase:
        """What they mean when they close.

        Raises:
            InvalidRequest: When there are too many within each other.
        """
        if len(self.options) == len(self.options[0]) == 1:
            return ("{", *self.letters(), "}")
        depth = 1 + max((p.depth for p in self.letters() if isinstance(p, _Choice)), default=0)
        if depth > MAX_DEPTH:
            raise InvalidRequest(
                say(
                    "Braces can be nested at most {most} deep, not {depth}.",
                    most=MAX_DEPTH,
                    depth=depth,
                )
            )
        lots = [_lot(tuple(map(tuple, option)), depth) for option in self.options]
        return lots[0] if len(lots) == 1 else (_Choice(tuple(lots), drawn=False, depth=depth),)


def expand_dynamic_prompt(text: str, dice: Random | None = None) -> tuple[str, ...]:
    """The prompts that `text` stands for, in the order in which its options are written.

    Args:
        text: What somebody has typed.
        dice: Draws where there are bars.

    Raises:
        InvalidRequest: When they are more than `MAX_PROMPTS`, or braces go too deep.
    """
    phrase = _parsed(text)
    number = _number(phrase)
    if number > MAX_PROMPTS:
        raise InvalidRequest(
            say(
                "The braces stand for {many} prompts; the limit is {most}. Write {brace} for a "
                "literal brace.",
                many=number if number < 10_000 else say("at least 10,000"),
                most=MAX_PROMPTS,
                brace="\\{",
            )
        )
    dice = dice or Random()
    return tuple("".join(_drawn(part, dice) for part in way) for way in _ways(phrase))


def _parsed(text: str) -> Phrase:
    stack = [_Braces()]
    for found in SIGN.finditer(text):
        sign, inside = found["sign"], len(stack) > 1
        if found["escaped"]:
            stack[-1].add(found["escaped"] if inside or found["escaped"] in "{}" else found[0])
        elif sign == "{":
            stack.append(_Braces())
        elif sign == "}" and inside:
            closed = stack.pop().closed()
            stack[-1].add(*closed)
        elif sign == "," and inside:
            stack[-1].options.append([[]])
        elif sign == "|" and inside:
            stack[-1].options[-1].append([])
        else:
            stack[-1].add(found[0])
    while len(stack) > 1:
        letters = stack.pop().letters()
        stack[-1].add("{", *letters)
    return stack[0].letters()


def _lot(options: tuple[Phrase, ...], depth: int) -> Phrase:
    trimmed = tuple(map(_trimmed, options))
    return trimmed[0] if len(trimmed) == 1 else (_Choice(trimmed, drawn=True, depth=depth),)


def _trimmed(phrase: Phrase) -> Phrase:
    """The phrase without the blanks around it."""
    parts = list(phrase)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(parts)


def _number(phrase: Phrase) -> int:
    """How many prompts it stands for."""
    choices = (part for part in phrase if isinstance(part, _Choice) and not part.drawn)
    return math.prod(sum(map(_number, choice.options)) for choice in choices)


def _ways(phrase: Phrase) -> Iterator[Phrase]:
    """The phrase once for each prompt, with nothing left in it but what is to be drawn."""
    ways = [
        [way for option in part.options for way in _ways(option)]
        if isinstance(part, _Choice) and not part.drawn
        else [(part,)]
        for part in phrase
    ]
    for chosen in itertools.product(*ways):
        yield tuple(itertools.chain.from_iterable(chosen))


def _drawn(part: str | _Choice, dice: Random) -> str:
    if isinstance(part, str):
        return part
    return "".join(_drawn(inner, dice) for inner in dice.choice(part.options))
