"""Lettering: the words of a sheet, in a font that has their signs, at a size that fits."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

ELSEWHERE = (
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
    "segoeui.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
)
"""Fonts that a machine may have, by their files: Latin, Greek and Cyrillic first, then Chinese,
Japanese and Korean. Pillow's own, which comes before them all, has little but English in it."""

NO_SIGN = "\uffff"
"""No character, and never one: a font draws it like any that it lacks."""

ELLIPSIS = "..."
SMALLEST = 0.6
"""Of the size that was wished for."""


@dataclass(frozen=True, slots=True)
class FittedText:
    """Some words as they are drawn.

    Attributes:
        lines: What stands below each other; none is wider than the room that there was.
        font: For all of them.
    """

    lines: tuple[str, ...]
    font: FreeTypeFont

    @property
    def width(self) -> int:
        """Pixels of the widest line."""
        return max((round(self.font.getlength(line)) for line in self.lines), default=0)

    @property
    def line_height(self) -> int:
        """Pixels from one line to the next."""
        return sum(self.font.getmetrics())

    @property
    def height(self) -> int:
        """Pixels of all lines."""
        return self.line_height * len(self.lines)


def drawable(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, those that no font here can write by their numbers: “#1”, “#2” …"""
    return tuple(
        label if _file_for(label) is not None else f"#{number}"
        for number, label in enumerate(labels, start=1)
    )


def undrawable(labels: Sequence[str]) -> list[tuple[str, str]]:
    """What `drawable` gives for the labels that no font here can write, and these."""
    pairs = zip(drawable(labels), labels, strict=True)
    return [(sign, label) for sign, label in pairs if sign != label]


def fit_labels(labels: Sequence[str], size: int, width: int, lines: int = 2) -> list[FittedText]:
    """The labels at one size, within `width` pixels and so many lines.

    They become smaller where that helps, and are cut where it does not.

    Args:
        labels: As `drawable` gives them.
        size: Pixels that are wished for.
        width: Pixels that there are.
        lines: The most of each label.
    """
    smallest = max(8, round(size * SMALLEST))
    for pixels in range(size, smallest - 1, -1):
        found = [_wrapped(label, pixels, width) for label in labels]
        if all(each.width <= width and len(each.lines) <= lines for each in found):
            return found
    return [_cut(_wrapped(label, smallest, width), width, lines) for label in labels]


def _wrapped(label: str, size: int, width: int) -> FittedText:
    """The label, broken between words; one that is too wide for a line stands alone in it."""
    font = _font(_file_for(label) or "", size)
    lines: list[str] = []
    for word in label.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return FittedText(tuple(lines), font)


def _cut(lettering: FittedText, width: int, most: int) -> FittedText:
    font = lettering.font
    lines = list(lettering.lines[:most])
    if len(lettering.lines) > most:
        lines[-1] += ELLIPSIS
    for place, line in enumerate(lines):
        if font.getlength(line) > width:
            lines[place] = _shortened(line.removesuffix(ELLIPSIS), font, width)
    return FittedText(tuple(lines), font)


def _shortened(line: str, font: FreeTypeFont, width: int) -> str:
    """As much of the line as there is room for, and that it goes on."""

    def drawn(end: int) -> float:
        return font.getlength(line[:end].rstrip() + ELLIPSIS)

    too_wide = bisect_right(range(len(line)), float(width), key=drawn)
    return line[: max(0, too_wide - 1)].rstrip() + ELLIPSIS


@lru_cache(512)
def _file_for(text: str) -> str | None:
    """The first font that has every sign of `text`: Pillow's own is the empty name."""
    return next((file for file in ("", *ELSEWHERE) if _has(file, text)), None)


def _has(file: str, text: str) -> bool:
    try:
        font = _font(file, 20)
    except OSError:
        return False
    lacking = bytes(font.getmask(NO_SIGN))
    return all(sign.isspace() or bytes(font.getmask(sign)) != lacking for sign in text)


@cache
def _font(file: str, size: int) -> FreeTypeFont:
    """A font by its file's name, wherever the system keeps its fonts. Raises `OSError`."""
    if file:
        return ImageFont.truetype(file, size)
    font = ImageFont.load_default(size)
    assert isinstance(font, FreeTypeFont), "Pillow is built with FreeType"
    return font
