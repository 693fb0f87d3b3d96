"""The Markdown pages for people, and what they are made of."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`]+)`")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
TARGET = re.compile(r"\]\(([^)]+)\)|<img src=\"([^\"]+)\"|<(https?:[^>]+)>")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
EMPHASIS = re.compile(r"(?<![*\w])\*([^*\n]+)\*(?!\*)")
COMMAND = re.compile(r"^### `/(.+)`\n\n.+\n\n- In Chinese: `/(.+)`\n- Who: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page, by its path from the repository's root."""

    path: Path

    @property
    def text(self) -> str:
        """The whole page."""
        return (ROOT / self.path).read_text("utf-8")

    @property
    def prose(self) -> str:
        """All but what is to be pasted."""
        return FENCED.sub("", self.text)

    @property
    def fences(self) -> list[str]:
        """What is to be pasted."""
        return FENCED.findall(self.text)

    @property
    def sections(self) -> list[str]:
        """Each heading with what follows it, in order."""
        return re.split(r"^(?=#+ )", self.prose, flags=re.MULTILINE)[1:]

    @property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives its headings."""
        return {slug(title) for _, title in HEADING.findall(self.prose)}

    @property
    def targets(self) -> list[str]:
        """Where its links lead and its pictures come from."""
        return ["".join(found) for found in TARGET.findall(self.prose)]

    def section(self, title: str) -> str:
        """The section with that heading."""
        [found] = [each for each in self.sections if each.lstrip("# ").startswith(f"{title}\n")]
        return found

    def linked(self) -> Iterator[tuple[Path, str]]:
        """The files that it links to, from the root, each with an anchor or an empty text."""
        for target in self.targets:
            if not target.startswith("https:"):
                file, _, anchor = target.partition("#")
                there = (ROOT / self.path).parent / file if file else ROOT / self.path
                yield there.resolve().relative_to(ROOT), anchor


def pairs() -> list[tuple[Page, Page]]:
    """Each page for people in English, with the same in Chinese."""
    manual = sorted(path.name for path in DOCS.glob("*.md") if path.name != "commands.md")
    return [
        (Page(Path("README.md")), Page(Path("README.zh-CN.md"))),
        *((Page(Path("docs", name)), Page(Path("docs", "zh-CN", name))) for name in manual),
    ]


def commands() -> dict[str, tuple[str, str]]:
    """By its name, such as `me defaults`, what each command is in Chinese, and who can use it."""
    found = COMMAND.findall(Page(Path("docs", "commands.md")).text)
    return {name: (chinese, who) for name, chinese, who in found}


def code(text: str) -> set[str]:
    """What is set as code in sentences, wherever lines are broken."""
    return {" ".join(each.split()) for each in CODE.findall(text)}


def numbers(text: str) -> Counter[str]:
    """The numbers that a reader sees, with how often."""
    return Counter(NUMBER.findall(TARGET.sub("", text)))


def rows(text: str) -> list[list[str]]:
    """The cells of each row of its tables, without the heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads = {at - 1 for at, row in enumerate(cells) if set("".join(row)) <= set(":- ")}
    return [row for at, row in enumerate(cells) if at not in heads and at - 1 not in heads]


def slug(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def buttons(text: str) -> Iterator[tuple[str, str]]:
    """What stands in tables with an emoji before it, as on buttons: emoji and label."""
    lines = "\n".join(line for line in text.splitlines() if line.startswith("| "))
    for part in re.split(r"\s*[·|\n]\s*", lines):
        sign, _, label = part.partition(" ")
        if label and not sign[0].isascii() and unicodedata.category(sign[0]).startswith("S"):
            yield sign, label
