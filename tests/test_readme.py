"""README.md and README.zh-CN.md say the same in two languages, and what they name is there."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech import translation

ROOT = Path(__file__).parents[1]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")
BOTH = pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["English", "Chinese"])

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`]+)`")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
TARGET = re.compile(r"\]\(([^)]+)\)|<img src=\"([^\"]+)\"|<(https?:[^>]+)>")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
COMMAND = re.compile(r"^\| `(/[^`]+)` · (.+?)<br>", re.MULTILINE)

COMMANDS = dict(COMMAND.findall((ROOT / "docs" / "commands.md").read_text("utf-8")))
"""By its English name, such as `/me defaults`, what a command is called in Chinese, without `/`."""


def test_both_have_the_same_sections() -> None:
    levels = [[len(marks) for marks, _ in HEADING.findall(prose(each))] for each in pair()]
    assert levels[0] == levels[1]


def test_what_is_to_be_pasted_is_the_same() -> None:
    assert FENCED.findall(ENGLISH) == FENCED.findall(CHINESE)
    assert len(FENCED.findall(ENGLISH)) > 3


def test_each_section_has_the_same_rows_items_and_figures() -> None:
    for english, chinese in zip(sections(ENGLISH), sections(CHINESE), strict=True):
        title = english.partition("\n")[0]
        for mark in ("| ", "- ", "1. ", "<img ", "!["):
            assert english.count(f"\n{mark}") == chinese.count(f"\n{mark}"), f"{title}: {mark}"
        assert numbers(english) == numbers(chinese), title


def test_each_section_has_the_same_code() -> None:
    """In Chinese there are the Chinese names of commands besides."""
    for english, chinese in zip(sections(ENGLISH), sections(CHINESE), strict=True):
        shared = {each for each in code(chinese) if each[1:] not in named_in_chinese()}
        assert code(english) == shared, english.partition("\n")[0]


def test_they_link_to_the_same_and_to_each_other() -> None:
    twin = {"README.zh-CN.md": "README.md"}
    here = [twin.get(target, target) for target in targets(ENGLISH)]
    there = [target.replace("docs/messages/zh-CN", "docs/messages") for target in targets(CHINESE)]
    assert outside(here) == outside(there)
    assert "README.zh-CN.md" in targets(ENGLISH)
    assert "README.md" in targets(CHINESE)


@BOTH
def test_what_is_linked_is_there(text: str) -> None:
    anchors = [slug(title) for _, title in HEADING.findall(prose(text))]
    assert [each for each in targets(text) if each[0] == "#" and each[1:] not in anchors] == []
    files = [each for each in outside(targets(text)) if not each.startswith("https:")]
    assert [each for each in files if not (ROOT / each).exists()] == []


def test_every_command_is_named_as_people_see_it() -> None:
    english, chinese = (code(prose(text)) for text in pair())
    assert COMMANDS.keys() - english == set()
    assert COMMANDS.keys() - chinese == set()
    assert named_in_chinese() - {each[1:] for each in chinese} == set()


def test_no_command_is_named_that_there_is_not() -> None:
    slashed = [each for each in code(prose(ENGLISH)) if each.startswith("/")]
    assert [each for each in slashed if not each.startswith(tuple(COMMANDS))] == []


def test_buttons_are_called_as_people_see_them() -> None:
    english, chinese = (list(buttons(text)) for text in pair())
    assert len(english) > 10
    assert [(sign, translation(label, "zh_CN")) for sign, label in english] == chinese


def pair() -> tuple[str, str]:
    return ENGLISH, CHINESE


def named_in_chinese() -> set[str]:
    return set(COMMANDS.values())


def prose(text: str) -> str:
    """All but what is to be pasted."""
    return FENCED.sub("", text)


def sections(text: str) -> list[str]:
    """Each heading with what follows it, in order."""
    return re.split(r"^(?=#+ )", prose(text), flags=re.MULTILINE)[1:]


def code(section: str) -> set[str]:
    """What is set as code in sentences, wherever lines are broken."""
    return {" ".join(each.split()) for each in CODE.findall(section)}


def numbers(section: str) -> Counter[str]:
    """The numbers that a reader sees, with how often."""
    return Counter(NUMBER.findall(TARGET.sub("", section)))


def targets(text: str) -> list[str]:
    """Where links lead and pictures come from, in order."""
    return ["".join(found) for found in TARGET.findall(prose(text))]


def outside(links: list[str]) -> list[str]:
    """Those that lead out of the page, sorted: languages order words in their own way."""
    return sorted(each for each in links if not each.startswith("#"))


def slug(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def buttons(text: str) -> Iterator[tuple[str, str]]:
    """What stands in tables with a sign before it, as on buttons: sign and label."""
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| "))
    for part in re.split(r"\s*[·|\n]\s*", rows):
        sign, _, label = part.partition(" ")
        if label and not sign[0].isascii() and unicodedata.category(sign[0]).startswith("S"):
            yield sign, label
