"""The text of a grid: in a font that has all its characters, at a size that fits."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

SYSTEM_FONTS = (
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
"""Files of fonts that may be installed: Latin, Greek and Cyrillic first, then Chinese, Japanese and
Korean. Pillow's own font, which is tried first, has little more than English."""

NOT_A_CHARACTER = "\uffff"
"""Not a character in any font: drawn like every character that a font lacks."""

ELLIPSIS = "..."
MIN_SCALE = 0.6
"""How small text may become, as a share of the preferred size."""


@dataclass(frozen=True, slots=True)
class FittedText:
    """Text as it is drawn.

    Attributes:
        lines: The lines from top to bottom.
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
    """The labels; those that no installed font can draw as their numbers: “#1”, “#2” …"""
    return tuple(
        label if _file_for(label) is not None else f"#{number}"
        for number, label in enumerate(labels, start=1)
    )


def undrawable(labels: Sequence[str]) -> list[tuple[str, str]]:
    """The labels that no installed font can draw, each after what `drawable` makes of it."""
    pairs = zip(drawable(labels), labels, strict=True)
    return [(drawn, label) for drawn, label in pairs if drawn != label]


def fit_labels(labels: Sequence[str], size: int, width: int, lines: int = 2) -> list[FittedText]:
    """The labels at one font size, each within `width` pixels and a number of lines.

    They are made smaller if that helps, and cut otherwise.

    Args:
        labels: As `drawable` returns them.
        size: The preferred font size in pixels.
        width: The most pixels of a line.
        lines: The most lines of a label.
    """
    smallest = max(8, round(size * MIN_SCALE))
    for pixels in range(size, smallest - 1, -1):
        found = [_wrap(label, pixels, width) for label in labels]
        if all(fitted.width <= width and len(fitted.lines) <= lines for fitted in found):
            return found
    return [_cut(_wrap(label, smallest, width), width, lines) for label in labels]


def _wrap(label: str, size: int, width: int) -> FittedText:
    """The label, wrapped between words; a word that is too wide has a line of its own."""
    font = _font(_file_for(label) or "", size)
    lines: list[str] = []
    for word in label.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return FittedText(tuple(lines), font)


def _cut(text: FittedText, width: int, most: int) -> FittedText:
    font = text.font
    lines = list(text.lines[:most])
    if len(text.lines) > most:
        lines[-1] += ELLIPSIS
    for place, line in enumerate(lines):
        if font.getlength(line) > width:
            lines[place] = _shortened(line.removesuffix(ELLIPSIS), font, width)
    return FittedText(tuple(lines), font)


def _shortened(line: str, font: FreeTypeFont, width: int) -> str:
    """As much of the line as fits, with an ellipsis."""

    def drawn(end: int) -> float:
        return font.getlength(line[:end].rstrip() + ELLIPSIS)

    too_wide = bisect_right(range(len(line)), float(width), key=drawn)
    return line[: max(0, too_wide - 1)].rstrip() + ELLIPSIS


@lru_cache(512)
def _file_for(text: str) -> str | None:
    """The first font that has every character of `text`; the empty name is Pillow's own."""
    return next((file for file in ("", *SYSTEM_FONTS) if _has(file, text)), None)


def _has(file: str, text: str) -> bool:
    try:
        font = _font(file, 20)
    except OSError:
        return False
    lacking = bytes(font.getmask(NOT_A_CHARACTER))
    return all(char.isspace() or bytes(font.getmask(char)) != lacking for char in text)


@cache
def _font(file: str, size: int) -> FreeTypeFont:
    """A font by its file name, found where the system keeps its fonts. Raises `OSError`."""
    if file:
        return ImageFont.truetype(file, size)
    font = ImageFont.load_default(size)
    assert isinstance(font, FreeTypeFont), "Pillow is built with FreeType"
    return font
