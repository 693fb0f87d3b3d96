"""Discord's Markdown: text of people is shown as they wrote it, whatever marks are in it."""

import re
from typing import Any

from speech import Sentence

MARKS = re.compile(
    r"""
      [\\*_~|`<>\[\]#]                  # styles, code, spoilers, links, mentions, headings, quotes
    | :(?=//)                           # an address
    | :(?=[\w+-]+:)                     # an emoji by its name
    | @(?=everyone|here)
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Characters that mean something wherever they are; a backslash before them takes that away."""

LINE_MARKS = re.compile(
    r"^((?:[^\S\n]|[\ufeff\u200b-\u200f\u2060])*)(\d*)([-+.)])(?=\s|$)", re.MULTILINE
)
"""The mark of a list's item, which means something only at the start of a line."""

NEWLINES = re.compile(r"\r\n?|[\u0085\u2028\u2029]")
REMOVED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Controls: Discord drops some of them, which would join what they keep apart, and others turn
around the text that follows them."""

ADDRESS = re.compile(r"https?://[A-Za-z0-9.:/_%?=&~+-]+")
CODE_SPAN = re.compile(r"`[^`]*`")
FIELD = re.compile(r"\{(\w+)")

PART = re.compile(
    r"\\.|```|`[^`\n]*`|<[^<>\s]{1,60}>|\[[^\[\]]*\]\([^()\s]*\)|\|\||\*\*|.", re.DOTALL
)
"""What a text must not be cut within."""

WRAPPERS = ("||", "**", "```")
"""Marks that have to be closed where a text is cut between them."""


class Markdown(str):
    """Text that is Discord's Markdown already: `in_markdown` leaves it as it is."""

    __slots__ = ()


def plain(text: str) -> str:
    """The text without controls, with every line ended in the same way."""
    return REMOVED.sub("", NEWLINES.sub("\n", text))


def escaped(text: str, limit: int | None = None) -> Markdown:
    """The text as Markdown that shows it as it is, at most twice as long.

    Args:
        text: What a person typed, or a name from a file.
        limit: Characters to which it is cut before, if it is longer.
    """
    text = plain(text)
    if limit is not None and len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return Markdown(LINE_MARKS.sub(_escape_line_mark, MARKS.sub(r"\\\g<0>", text)))


def _escape_line_mark(match: re.Match[str]) -> str:
    space, number, mark = match.groups()
    return match[0] if bool(number) is (mark in "-+") else rf"{space}{number}\{mark}"


def escaped_line(text: str, limit: int | None = None) -> Markdown:
    """Like `escaped`, in one line."""
    return escaped(" ".join(plain(text).split()), limit)


def spoiler(text: str) -> Markdown:
    """The text as a spoiler, which nothing in it can end."""
    content = escaped(text)
    gap = "\u200b" if content.endswith("|") else ""  # Discord would end it at a bar too early
    return Markdown(f"||{content}{gap}||")


def in_code(text: str) -> Markdown:
    """The text to be put between backticks in a line."""
    return Markdown(" ".join(plain(text).split()).replace("`", "ˋ"))


def fenced(text: str) -> Markdown:
    """The text as a block of code, which nothing in it can end."""
    return Markdown(f"```\n{plain(text).replace('```', chr(39) * 3)}\n```")


def in_markdown(sentence: str) -> str:
    """A sentence of the engine, which knows no Markdown, with everything in it shown as it is.

    What is `Markdown` already stays, so doing this twice changes nothing.
    """
    if not isinstance(sentence, Sentence):
        return _shown(sentence, code=False)
    code = set(FIELD.findall(" ".join(CODE_SPAN.findall(sentence.one))))
    values = {name: _value(value, code=name in code) for name, value in sentence.values.items()}
    return Sentence(sentence.one, sentence.many, values)


def _value(value: Any, *, code: bool) -> Any:
    """A number as it is; anything else by its text."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, Sentence):
        return in_markdown(value)
    return _shown(value if isinstance(value, str) else str(value), code=code)


def _shown(text: str, *, code: bool) -> str:
    if isinstance(text, Markdown):
        return text
    if ADDRESS.fullmatch(text):
        return Markdown(text)
    return in_code(text) if code else escaped(text)


def shortened_markdown(text: str, limit: int) -> str:
    """Markdown cut to `limit` characters, never within an escape, a mention or a link.

    What is open there is closed: the rest of a spoiler stays hidden.
    """
    if len(text) <= limit:
        return text
    shown, opened = "", list[str]()
    for match in PART.finditer(text):
        part = match[0]
        still_open = opened
        if part in WRAPPERS:
            still_open = (
                [each for each in opened if each != part] if part in opened else [part, *opened]
            )
        if len(shown) + len(part) + len("".join(still_open)) + 1 > limit:
            break
        shown, opened = shown + part, still_open
    return f"{shown.rstrip()}…{''.join(opened)}"
