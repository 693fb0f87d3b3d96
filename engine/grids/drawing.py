"""Draws a grid: its pictures side by side, and both axes with titles and labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageDraw

from engine.grids.layout import Axis, GridLayout
from engine.grids.text import FittedText, drawable, fit_labels, undrawable
from engine.images.encoding import encoded, marks_of_several
from engine.images.output import parameters
from engine.jobs.job import Job, JobState
from engine.jobs.recipe import Recipe

BACKGROUND, TEXT, TITLE = "#f7f5f0", "#26282c", "#8b877e"
EMPTY_CELL, CROSS = "#e7e3da", "#bcb6a9"
"""Colours."""

MAX_SIDE = 4096
"""Pixels of the longer side of all pictures together; Discord shows no more, and each cell's own
picture can be opened."""

MIN_SIDE = 1200
"""Pixels of the longer side at least, so that the labels can be read."""

MAX_PIXELS = 12_000_000
"""Of all pictures together."""


@dataclass(frozen=True, slots=True)
class GridDimensions:
    """The sizes of a drawn grid, in pixels.

    Attributes:
        widths: Of the columns.
        heights: Of the rows.
        gap: Between the pictures.
        font_size: Of the labels.
    """

    widths: tuple[int, ...]
    heights: tuple[int, ...]
    gap: int
    font_size: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of all pictures with the gaps between them."""
        return _sum(self.widths, self.gap), _sum(self.heights, self.gap)


def draw_grid(
    layout: GridLayout, cells: Mapping[int, Job], translate: Callable[[str], str] = str
) -> bytes:
    """The grid as PNG, with the settings of its first cell as metadata. Blocks: use a thread.

    It tells as much of itself as the pictures in it do. Cells without a picture to show are crossed
    out, or have a dash if they were cancelled.

    Args:
        layout: Its axes.
        cells: The jobs by their cells, at least one.
        translate: Translates a title; a translation that no font can draw isn't used.
    """
    sizes = _dimensions(layout, cells)
    columns = _fit_axis(layout.columns, sizes.font_size, min(sizes.widths))
    rows = _fit_axis(layout.rows, sizes.font_size, max(sizes.size[0] // 4, 6 * sizes.font_size))
    left, top = _margins(layout, sizes, columns, rows)
    edge = 2 * sizes.font_size
    width, height = sizes.size
    grid = Image.new("RGB", (left + width + edge, top + height + edge), BACKGROUND)
    title = _fit_title(layout.columns.title, translate, sizes.font_size)
    _write_columns(grid, title, columns, sizes, left, top)
    if layout.rows.title:
        title = _fit_title(layout.rows.title, translate, sizes.font_size)
        _write_rows(grid, title, rows, sizes, left, top)
    for cell in range(layout.count):
        row, column = divmod(cell, len(layout.columns.labels))
        x = left + _sum(sizes.widths[:column], sizes.gap) + sizes.gap * bool(column)
        y = top + _sum(sizes.heights[:row], sizes.gap) + sizes.gap * bool(row)
        _paste(grid, cells.get(cell), (x, y, sizes.widths[column], sizes.heights[row]))
    files = (job.pictures[0] for _, job in sorted(cells.items()) if job.pictures)
    marks = marks_of_several(files)
    if marks.parameters is not None:
        marks = replace(marks, parameters=_metadata(layout, cells[min(cells)].recipe))
    return encoded(grid, "PNG", marks)


def grid_legend(layout: GridLayout) -> tuple[tuple[str, str], ...]:
    """Labels that no font can draw, each after what is drawn instead: “#2”, “一只猫”. Blocks."""
    return tuple(pair for axis in layout.axes for pair in undrawable(axis.labels))


def _dimensions(layout: GridLayout, cells: Mapping[int, Job]) -> GridDimensions:
    columns, rows = len(layout.columns.labels), len(layout.rows.labels)
    widths, heights = [1] * columns, [1] * rows
    for cell, job in cells.items():
        row, column = divmod(cell, columns)
        widths[column] = max(widths[column], job.recipe.width * job.recipe.enlarged)
        heights[row] = max(heights[row], job.recipe.height * job.recipe.enlarged)
    # Columns and rows without a single cell are as large as the largest ones.
    widths = [width if width > 1 else max(widths) for width in widths]
    heights = [height if height > 1 else max(heights) for height in heights]
    width, height = sum(widths), sum(heights)
    scale = min(
        MAX_SIDE / max(width, height),
        (MAX_PIXELS / (width * height)) ** 0.5,
        max(1.0, MIN_SIDE / max(width, height)),
    )
    if scale > 1:
        scale = max(1.0, round(scale))  # whole multiples keep pixels sharp
    font_size = max(16, round(max(width, height) * scale * 0.026))
    font_size = min(font_size, max(16, round(min(widths) * scale / 3)))
    return GridDimensions(
        widths=tuple(max(1, round(width * scale)) for width in widths),
        heights=tuple(max(1, round(height * scale)) for height in heights),
        gap=max(4, round(font_size * 0.4)),
        font_size=font_size,
    )


def _fit_axis(axis: Axis, font_size: int, width: int) -> list[FittedText]:
    return fit_labels(drawable(axis.labels), font_size, width) if axis.title else []


def _margins(
    layout: GridLayout, sizes: GridDimensions, columns: list[FittedText], rows: list[FittedText]
) -> tuple[int, int]:
    """Pixels to the left of the pictures, and above them."""
    font_size = sizes.font_size
    title = round(1.9 * font_size)
    top = round(1.4 * font_size) + title + max(label.height for label in columns) + font_size // 2
    left = 2 * font_size
    if layout.rows.title:
        left = round(1.4 * font_size) + title + max(label.width for label in rows) + font_size
    return left, top


def _fit_title(title: str, translate: Callable[[str], str], font_size: int) -> FittedText:
    translated = translate(title)
    text = title if undrawable([translated]) else translated
    return fit_labels([text], round(font_size * 0.9), 100 * font_size, lines=1)[0]


def _write_columns(
    grid: Image.Image,
    title: FittedText,
    labels: list[FittedText],
    sizes: GridDimensions,
    left: int,
    top: int,
) -> None:
    draw = ImageDraw.Draw(grid)
    font_size, width = sizes.font_size, sizes.size[0]
    y = round(1.4 * font_size)
    draw.text((left + width / 2, y), title.lines[0], TITLE, title.font, anchor="ma")
    x = left
    for label, column in zip(labels, sizes.widths, strict=True):
        bottom = top - font_size // 2 - label.height
        for number, line in enumerate(label.lines):
            at = (x + column / 2, bottom + number * label.line_height)
            draw.text(at, line, TEXT, label.font, anchor="ma")
        x += column + sizes.gap


def _write_rows(
    grid: Image.Image,
    title: FittedText,
    labels: list[FittedText],
    sizes: GridDimensions,
    left: int,
    top: int,
) -> None:
    draw = ImageDraw.Draw(grid)
    font_size, height = sizes.font_size, sizes.size[1]
    strip = Image.new("RGB", (title.width + 2, title.line_height), BACKGROUND)
    ImageDraw.Draw(strip).text((1, 0), title.lines[0], TITLE, title.font, anchor="la")
    strip = strip.rotate(90, expand=True)
    grid.paste(strip, (round(1.2 * font_size), top + (height - strip.height) // 2))
    y = top
    for label, row in zip(labels, sizes.heights, strict=True):
        first = y + (row - label.height) / 2
        for number, line in enumerate(label.lines):
            at = (left - font_size * 0.7, first + number * label.line_height)
            draw.text(at, line, TEXT, label.font, anchor="ra")
        y += row + sizes.gap


def _paste(grid: Image.Image, job: Job | None, box: tuple[int, int, int, int]) -> None:
    """Draw the picture of a cell in the middle of its box (x, y, width, height), or a cross."""
    picture = _open(job.pictures[0]) if job is not None and job.pictures else None
    if picture is None:
        _cross_out(grid, box, dash=job is not None and job.state is JobState.CANCELLED)
        return
    x, y, width, height = box
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    grid.paste(picture, (x + (width - size[0]) // 2, y + (height - size[1]) // 2))


def _open(file: Path) -> Image.Image | None:
    """The picture in `file`; `None` if the file is gone or damaged."""
    try:
        with Image.open(file) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError):
        return None


def _cross_out(grid: Image.Image, box: tuple[int, int, int, int], *, dash: bool) -> None:
    draw = ImageDraw.Draw(grid)
    x, y, width, height = box
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=EMPTY_CELL)
    arm, line = min(width, height) / 8, max(2, min(width, height) // 48)
    middle = x + width / 2, y + height / 2
    ends = [(arm, 0.0)] if dash else [(arm, arm), (arm, -arm)]
    for right, down in ends:
        start = middle[0] - right, middle[1] - down
        draw.line((*start, middle[0] + right, middle[1] + down), fill=CROSS, width=line)


def _metadata(layout: GridLayout, recipe: Recipe) -> str:
    """The settings of the first cell, and the axes as the A1111 web UI writes them."""
    parts = ["Script: X/Y/Z plot"]
    for letter, axis in zip("XY", layout.axes, strict=False):
        values = ", ".join(axis.labels).replace('"', "'").replace("\n", " ")
        parts.append(f'{letter} Type: {axis.title}, {letter} Values: "{values}"')
    return f"{parameters(replace(recipe, count=1), recipe.seed)}, {', '.join(parts)}"


def _sum(lengths: tuple[int, ...], gap: int) -> int:
    return sum(lengths) + gap * max(0, len(lengths) - 1)
