"""Draws a sheet: its pictures side by side, both axes with titles and labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, PngImagePlugin

from engine.grids.layout import Axis, GridLayout
from engine.grids.text import FittedText, drawable, fit_labels, undrawable
from engine.images.output import parameters
from engine.jobs.job import Job, JobState
from engine.jobs.request import Recipe

PAPER, INK, FAINT, BLANK, MARK = "#f7f5f0", "#26282c", "#8b877e", "#e7e3da", "#bcb6a9"

LONGEST = 4096
"""Pixels of the pictures together on a side; Discord shows no more of them, and each cell has its
own picture besides."""

SHORTEST = 1200
"""The same at least: labels beside smaller ones could not be read."""

MAX_PIXELS = 12_000_000
"""Of all pictures together."""


@dataclass(frozen=True, slots=True)
class GridDimensions:
    """Where things are, in pixels.

    Attributes:
        widths: Of the columns.
        heights: Of the rows.
        gap: Between the pictures.
        letter: Height of the labels.
    """

    widths: tuple[int, ...]
    heights: tuple[int, ...]
    gap: int
    letter: int

    @property
    def size(self) -> tuple[int, int]:
        """Of all pictures with the gaps between them."""
        return _sum(self.widths, self.gap), _sum(self.heights, self.gap)


def draw_grid(
    layout: GridLayout, cells: Mapping[int, Job], called: Callable[[str], str] = str
) -> bytes:
    """The sheet as PNG, with the settings of its first cell inside. Blocks: call it in a thread.

    Cells whose pictures are not there, or may not be shown, are empty and have a cross, or a dash
    when they were called off.

    Args:
        layout: Its axes.
        cells: The jobs by their cells, at least one.
        called: Gives what a title is called in the language of whoever sees it; it is drawn as it
            is where no font can write that.
    """
    measures = _measures(layout, cells)
    columns = _lettered(layout.columns, measures.letter, min(measures.widths))
    rows = _lettered(layout.rows, measures.letter, max(measures.size[0] // 4, 6 * measures.letter))
    left, top = _margins(layout, measures, columns, rows)
    edge = 2 * measures.letter
    width, height = measures.size
    grid = Image.new("RGB", (left + width + edge, top + height + edge), PAPER)
    title = _title(layout.columns.title, called, measures.letter)
    _write_columns(grid, title, columns, measures, left, top)
    if layout.rows.title:
        title = _title(layout.rows.title, called, measures.letter)
        _write_rows(grid, title, rows, measures, left, top)
    for cell in range(layout.count):
        row, column = divmod(cell, len(layout.columns.labels))
        x = left + _sum(measures.widths[:column], measures.gap) + measures.gap * bool(column)
        y = top + _sum(measures.heights[:row], measures.gap) + measures.gap * bool(row)
        room = measures.widths[column], measures.heights[row]
        _paste(grid, cells.get(cell), (x, y), room)
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", _text(layout, cells[min(cells)].recipe))
    buffer = BytesIO()
    grid.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def grid_legend(layout: GridLayout) -> tuple[tuple[str, str], ...]:
    """What is drawn for each label that cannot be, and that label: “#2”, “一只猫”. Blocks."""
    return tuple(pair for axis in layout.axes for pair in undrawable(axis.labels))


def _measures(layout: GridLayout, cells: Mapping[int, Job]) -> GridDimensions:
    columns, rows = len(layout.columns.labels), len(layout.rows.labels)
    widths, heights = [1] * columns, [1] * rows
    for cell, job in cells.items():
        row, column = divmod(cell, columns)
        widths[column] = max(widths[column], job.recipe.width * job.recipe.enlarged)
        heights[row] = max(heights[row], job.recipe.height * job.recipe.enlarged)
    # Columns and rows of cells that are all gone are as large as the others.
    widths = [width if width > 1 else max(widths) for width in widths]
    heights = [height if height > 1 else max(heights) for height in heights]
    width, height = sum(widths), sum(heights)
    scale = min(
        LONGEST / max(width, height),
        (MAX_PIXELS / (width * height)) ** 0.5,
        max(1.0, SHORTEST / max(width, height)),
    )
    if scale > 1:
        scale = max(1.0, round(scale))  # pixels stay pixels
    letter = max(16, round(max(width, height) * scale * 0.026))
    letter = min(letter, max(16, round(min(widths) * scale / 3)))
    return GridDimensions(
        widths=tuple(max(1, round(width * scale)) for width in widths),
        heights=tuple(max(1, round(height * scale)) for height in heights),
        gap=max(4, round(letter * 0.4)),
        letter=letter,
    )


def _lettered(axis: Axis, letter: int, width: int) -> list[FittedText]:
    return fit_labels(drawable(axis.labels), letter, width) if axis.title else []


def _margins(
    layout: GridLayout, measures: GridDimensions, columns: list[FittedText], rows: list[FittedText]
) -> tuple[int, int]:
    """Pixels at the left of the pictures, and above them."""
    letter = measures.letter
    title = round(1.9 * letter)
    top = round(1.4 * letter) + title + max(each.height for each in columns) + letter // 2
    left = 2 * letter
    if layout.rows.title:
        left = round(1.4 * letter) + title + max(each.width for each in rows) + letter
    return left, top


def _title(title: str, called: Callable[[str], str], letter: int) -> FittedText:
    words = title if undrawable([called(title)]) else called(title)
    return fit_labels([words], round(letter * 0.9), 100 * letter, lines=1)[0]


def _write_columns(
    grid: Image.Image,
    title: FittedText,
    labels: list[FittedText],
    measures: GridDimensions,
    left: int,
    top: int,
) -> None:
    pen = ImageDraw.Draw(grid)
    letter, width = measures.letter, measures.size[0]
    y = round(1.4 * letter)
    pen.text((left + width / 2, y), title.lines[0], FAINT, title.font, anchor="ma")
    x = left
    for label, column in zip(labels, measures.widths, strict=True):
        bottom = top - letter // 2 - label.height
        for number, line in enumerate(label.lines):
            at = (x + column / 2, bottom + number * label.line_height)
            pen.text(at, line, INK, label.font, anchor="ma")
        x += column + measures.gap


def _write_rows(
    grid: Image.Image,
    title: FittedText,
    labels: list[FittedText],
    measures: GridDimensions,
    left: int,
    top: int,
) -> None:
    pen = ImageDraw.Draw(grid)
    letter, height = measures.letter, measures.size[1]
    strip = Image.new("RGB", (title.width + 2, title.line_height), PAPER)
    ImageDraw.Draw(strip).text((1, 0), title.lines[0], FAINT, title.font, anchor="la")
    strip = strip.rotate(90, expand=True)
    grid.paste(strip, (round(1.2 * letter), top + (height - strip.height) // 2))
    y = top
    for label, row in zip(labels, measures.heights, strict=True):
        first = y + (row - label.height) / 2
        for number, line in enumerate(label.lines):
            at = (left - letter * 0.7, first + number * label.line_height)
            pen.text(at, line, INK, label.font, anchor="ra")
        y += row + measures.gap


def _paste(
    grid: Image.Image, job: Job | None, place: tuple[int, int], room: tuple[int, int]
) -> None:
    """The picture of a cell in the middle of its room, or what stands for one that is not there."""
    picture = _opened(job.pictures[0]) if job is not None and job.pictures else None
    if picture is None:
        _cross_out(grid, place, room, dash=job is not None and job.state is JobState.CANCELLED)
        return
    scale = min(room[0] / picture.width, room[1] / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    at = place[0] + (room[0] - size[0]) // 2, place[1] + (room[1] - size[1]) // 2
    grid.paste(picture, at)


def _opened(file: Path) -> Image.Image | None:
    """The picture in `file`; `None` when it is gone or damaged."""
    try:
        with Image.open(file) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError):
        return None


def _cross_out(
    grid: Image.Image, place: tuple[int, int], room: tuple[int, int], *, dash: bool
) -> None:
    pen = ImageDraw.Draw(grid)
    (x, y), (width, height) = place, room
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=BLANK)
    arm, line = min(room) / 8, max(2, min(room) // 48)
    middle = x + width / 2, y + height / 2
    ends = [(arm, 0.0)] if dash else [(arm, arm), (arm, -arm)]
    for right, down in ends:
        start = middle[0] - right, middle[1] - down
        pen.line((*start, middle[0] + right, middle[1] + down), fill=MARK, width=line)


def _text(layout: GridLayout, recipe: Recipe) -> str:
    """The settings of the first cell, and the axes as the A1111 web interface names them."""
    parts = ["Script: X/Y/Z plot"]
    for letter, axis in zip("XY", layout.axes, strict=False):
        values = ", ".join(axis.labels).replace('"', "'").replace("\n", " ")
        parts.append(f'{letter} Type: {axis.title}, {letter} Values: "{values}"')
    return f"{parameters(replace(recipe, count=1), recipe.seed)}, {', '.join(parts)}"


def _sum(lengths: tuple[int, ...], gap: int) -> int:
    return sum(lengths) + gap * max(0, len(lengths) - 1)
