"""Discord's Markdown as HTML: what its clients make of a text, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from .markup import element, span, text
from .screen import Screen, at_epoch

FENCE = re.compile(r"```(?:[\w+-]*\n)?(?P<code>.+?)\n?```\n?", re.DOTALL)

LINE = re.compile(
    r"(?P<marks>\#{1,3}|-\#|>)\s+(?P<rest>.*)|(?P<indent>\s*)[-*]\s+(?P<item>.*)", re.DOTALL
)
"""A line that is more than text: a heading, small print, a quotation, an item of a list."""

HEADINGS = {"#": "h1", "##": "h2", "###": "h3", "-#": "small", ">": "blockquote"}

SOME = r"(?:\\.|[^\\])+?"
"""Anything in which a backslash takes the next character with it."""

INLINE = re.compile(
    rf"""
      \\(?P<escaped>[^a-zA-Z0-9\s])
    | (?P<ticks>`{{1,2}})(?P<code>.+?)(?P=ticks)(?!`)
    | <@!?(?P<user>\d+)> | <@&(?P<role>\d+)> | <\#(?P<channel>\d+)>
    | </(?P<command>[^:<>]+):\d+>
    | <t:(?P<moment>\d{{1,11}})(?::(?P<style>[tTdDfFR]))?>
    | <a?:(?P<emoji>\w+):\d+>
    | \[(?P<label>{SOME})\]\(<?(?P<target>https?://[^\s<>)]+)>?\)
    | <?(?P<url>https?://[^\s<>]+[^\s<>.,:;"')\]])>?
    | \*\*(?P<strong>{SOME})\*\*(?!\*)
    | __(?P<u>{SOME})__(?!_)
    | ~~(?P<s>{SOME})~~
    | \|\|(?P<spoiler>{SOME})\|\|
    | \*(?=[^\s*])(?P<em>{SOME})\*(?!\*)
    | (?<!\w)_(?P<i>{SOME})_(?!\w)
    """,
    re.VERBOSE | re.DOTALL,
)

STYLES = ("strong", "u", "s", "em", "i")


def markdown(source: str, screen: Screen) -> str:
    """The text as HTML, with what the reader's client puts in for mentions and times."""
    parts: list[str] = []
    end = 0
    for fence in FENCE.finditer(source):
        parts += _blocks(source[end : fence.start()], screen)
        parts.append(element("pre", text(fence["code"])))
        end = fence.end()
    return "".join([*parts, *_blocks(source[end:], screen)])


def _blocks(source: str, screen: Screen) -> Iterator[str]:
    lines = [(line, LINE.fullmatch(line)) for line in source.removesuffix("\n").split("\n")]
    if lines == [("", None)]:
        return
    for kind, group in groupby(lines, lambda line: _kind(line[1])):
        found = list(group)
        if kind == "p":
            yield element("p", inline("\n".join(line for line, _ in found), screen))
        elif kind == "ul":
            yield element("ul", *(_item(match, screen) for _, match in found if match))
        else:
            yield from (element(kind, inline(match["rest"], screen)) for _, match in found if match)


def _kind(match: re.Match[str] | None) -> str:
    if match is None:
        return "p"
    return HEADINGS[match["marks"]] if match["marks"] else "ul"


def _item(match: re.Match[str], screen: Screen) -> str:
    return element("li", inline(match["item"], screen), class_="deep" if match["indent"] else None)


def inline(source: str, screen: Screen) -> str:
    """A text within a line."""
    parts: list[str] = []
    end = 0
    for match in INLINE.finditer(source):
        parts += [text(source[end : match.start()]), _inline(match, screen)]
        end = match.end()
    return "".join([*parts, text(source[end:])])


def _inline(match: re.Match[str], screen: Screen) -> str:
    for style in STYLES:
        if match[style]:
            return element(style, inline(match[style], screen))
    if match["spoiler"]:
        return span("spoiler", inline(match["spoiler"], screen))
    if match["code"]:
        return element("code", text(match["code"]))
    if match["target"]:
        return element("a", inline(match["label"], screen), href=match["target"])
    if match["url"]:
        return element("a", text(match["url"]), href=match["url"])
    if match["moment"]:
        at = at_epoch(int(match["moment"]))
        return element("time", text(screen.moment(at, match["style"] or "f")))
    return _named(match, screen)


def _named(match: re.Match[str], screen: Screen) -> str:
    if match["escaped"]:
        return text(match["escaped"])
    if match["emoji"]:
        return text(f":{match['emoji']}:")
    if match["command"]:
        said = screen.command(match["command"])
    elif match["user"]:
        said = screen.user(int(match["user"]))
    elif match["role"]:
        said = screen.role(int(match["role"]))
    else:
        said = screen.channel(int(match["channel"]))
    return span("mention", text(said))
