r"""Dynamic prompts: one text that expands to several prompts.

{red, blue} house             two prompts: “red house” and “blue house”
{red|blue} house              one prompt, with one of the two at random
{a {red|blue} boat, a fish}   nested; everything within a random option is random
\{ \} \, \|                   literal characters

The signs of Chinese keyboards mean the same: ｛a，b｜c｝. Braces with neither comma nor bar in them
are literals. Braces that offer something and are never closed are an error, since nobody wants to
see them painted.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Union

from engine.errors import InvalidRequest
from speech import say

MAX_PROMPTS = 16
"""The most prompts that one text may expand to."""

MAX_DEPTH = 8
"""How deeply choices may be nested."""

TOKEN = re.compile(
    r"\\(?P<escaped>[{},|｛｝，｜])|(?P<special>[{},|｛｝，｜])|[^\\{},|｛｝，｜]+|.", re.DOTALL
)

NARROW = str.maketrans("｛｝，｜", "{},|")

Phrase = tuple[Union[str, "_Choice"], ...]
"""Text and choices, one after the other."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A pair of braces: each option gives a prompt, or one is chosen at random."""

    options: tuple[Phrase, ...]
    random: bool
    depth: int


class _Braces:
    """Open braces that offer something: their options by commas, and each option's by bars."""

    def __init__(self) -> None:
        self.options: list[list[list[str | _Choice]]] = [[[]]]
        self.depth = 1

    def add(self, part: str | _Choice) -> None:
        self.options[-1][-1].append(part)
        if isinstance(part, _Choice):
            self.depth = max(self.depth, part.depth + 1)

    def closed(self) -> _Choice:
        """What they stand for once they are closed.

        Raises:
            InvalidRequest: When they are nested too deeply.
        """
        if self.depth > MAX_DEPTH:
            raise InvalidRequest(
                say(
                    "Braces can be nested at most {most} deep, not {depth}.",
                    most=MAX_DEPTH,
                    depth=self.depth,
                )
            )
        options = [_random(tuple(map(tuple, option)), self.depth) for option in self.options]
        if len(options) == 1 and isinstance(only := options[0][0], _Choice):
            return only
        return _Choice(tuple(options), random=False, depth=self.depth)


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
    tokens = list(TOKEN.finditer(text))
    choices = _choices(text, tokens)
    stack, opened = [_Braces()], [True]
    for number, token in enumerate(tokens):
        special, offers = _special(token), opened[-1] and len(stack) > 1
        if escaped := token["escaped"]:
            stack[-1].add(escaped if len(opened) > 1 or escaped in "{}｛｝" else token[0])
        elif special == "{" and number in choices:
            stack.append(_Braces())
            opened.append(True)
        elif special == "}" and len(opened) > 1 and opened.pop():
            closed = stack.pop().closed()
            stack[-1].add(closed)
        elif special == "," and offers:
            stack[-1].options.append([[]])
        elif special == "|" and offers:
            stack[-1].options[-1].append([])
        else:
            if special == "{":
                opened.append(False)
            stack[-1].add(token[0])
    return tuple(stack[0].options[0][0])


def _special(token: re.Match[str]) -> str:
    """The sign with a meaning that the token is, as an English keyboard has it."""
    return (token["special"] or "").translate(NARROW)


def _choices(text: str, tokens: Sequence[re.Match[str]]) -> set[int]:
    """The numbers of the tokens that open braces with something to choose from.

    Raises:
        InvalidRequest: When such braces are never closed.
    """
    choices: set[int] = set()
    opened: list[int] = []
    for number, token in enumerate(tokens):
        special = _special(token)
        if special == "{":
            opened.append(number)
        elif special == "}" and opened:
            opened.pop()
        elif special and special in ",|" and opened:
            choices.add(opened[-1])
    for number in opened:
        if number in choices:
            starts = tokens[number].start()
            raise InvalidRequest(
                say(
                    "The braces in “{part}” aren't closed. Add a {closing}, or write {brace} for "
                    "a literal brace.",
                    part=text[starts : starts + 40],
                    closing="}",
                    brace="\\{",
                )
            )
    return choices


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
