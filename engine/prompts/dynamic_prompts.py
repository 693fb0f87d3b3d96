r"""Dynamic prompts: one text that expands to several prompts.

{red, blue} house             two prompts: “red house” and “blue house”
{red|blue} house              one prompt, with one of the two at random
{a {red|blue} boat, a fish}   nested; everything within a random option is random
\{ \} \, \|                   literal characters

Braces with neither comma nor bar in them, and braces that are never closed, are literals.
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
"""The most prompts that one text may expand to."""

MAX_DEPTH = 8
"""How deeply choices may be nested."""

TOKEN = re.compile(r"\\(?P<escaped>[{},|])|(?P<special>[{},|])|[^\\{},|]+|.", re.DOTALL)

Phrase = tuple[Union[str, "_Choice"], ...]
"""Text and choices, one after the other."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A pair of braces: each option gives a prompt, or one is chosen at random."""

    options: tuple[Phrase, ...]
    random: bool
    depth: int


class _Braces:
    """Open braces: their options, split by commas, and each option split by bars."""

    def __init__(self) -> None:
        self.options: list[list[list[str | _Choice]]] = [[[]]]

    def add(self, *parts: str | _Choice) -> None:
        self.options[-1][-1].extend(parts)

    def literal(self) -> Phrase:
        """Their content with commas and bars as literals."""
        parts: list[str | _Choice] = []
        for i, option in enumerate(self.options):
            parts += [","] * bool(i)
            for j, part in enumerate(option):
                parts += ["|"] * bool(j) + part
        return tuple(parts)

    def closed(self) -> Phrase:
        """What they stand for once they are closed.

        Raises:
            InvalidRequest: When they are nested too deeply.
        """
        if len(self.options) == len(self.options[0]) == 1:
            return ("{", *self.literal(), "}")
        depth = 1 + max((p.depth for p in self.literal() if isinstance(p, _Choice)), default=0)
        if depth > MAX_DEPTH:
            raise InvalidRequest(
                say(
                    "Braces can be nested at most {most} deep, not {depth}.",
                    most=MAX_DEPTH,
                    depth=depth,
                )
            )
        options = [_random(tuple(map(tuple, option)), depth) for option in self.options]
        if len(options) == 1:
            return options[0]
        return (_Choice(tuple(options), random=False, depth=depth),)


def expand_dynamic_prompt(text: str, random: Random | None = None) -> tuple[str, ...]:
    """The prompts that `text` expands to, in the order of its options.

    Args:
        text: What a member typed.
        random: Chooses between options separated by bars.

    Raises:
        InvalidRequest: When there are more than `MAX_PROMPTS`, or braces are nested too deeply.
    """
    phrase = _parse(text)
    number = _count(phrase)
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
    random = random or Random()
    return tuple("".join(_text(part, random) for part in one) for one in _expand(phrase))


def _parse(text: str) -> Phrase:
    stack = [_Braces()]
    for token in TOKEN.finditer(text):
        special, inside = token["special"], len(stack) > 1
        if escaped := token["escaped"]:
            stack[-1].add(escaped if inside or escaped in "{}" else token[0])
        elif special == "{":
            stack.append(_Braces())
        elif special == "}" and inside:
            closed = stack.pop().closed()
            stack[-1].add(*closed)
        elif special == "," and inside:
            stack[-1].options.append([[]])
        elif special == "|" and inside:
            stack[-1].options[-1].append([])
        else:
            stack[-1].add(token[0])
    while len(stack) > 1:
        literal = stack.pop().literal()
        stack[-1].add("{", *literal)
    return stack[0].literal()


def _random(options: tuple[Phrase, ...], depth: int) -> Phrase:
    stripped = tuple(map(_stripped, options))
    return stripped[0] if len(stripped) == 1 else (_Choice(stripped, random=True, depth=depth),)


def _stripped(phrase: Phrase) -> Phrase:
    """The phrase without surrounding whitespace."""
    parts = list(phrase)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(parts)


def _count(phrase: Phrase) -> int:
    """How many prompts it expands to."""
    choices = (part for part in phrase if isinstance(part, _Choice) and not part.random)
    return math.prod(sum(map(_count, choice.options)) for choice in choices)


def _expand(phrase: Phrase) -> Iterator[Phrase]:
    """The phrase once for each prompt, with only random choices left."""
    expansions = [
        [one for option in part.options for one in _expand(option)]
        if isinstance(part, _Choice) and not part.random
        else [(part,)]
        for part in phrase
    ]
    for chosen in itertools.product(*expansions):
        yield tuple(itertools.chain.from_iterable(chosen))


def _text(part: str | _Choice, random: Random) -> str:
    if isinstance(part, str):
        return part
    return "".join(_text(inner, random) for inner in random.choice(part.options))
