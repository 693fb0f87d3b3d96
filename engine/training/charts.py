"""Pictures of how a training goes: its losses as a plot, its samples side by side."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from engine.images.encoding import PictureMarks, encoded
from engine.images.metadata.xmp import SourceType
from engine.training.run_folder import RunFolder

BACKGROUND, FAINT, LINE, TEXT = "#f7f5f0", "#c9c1af", "#2f6f6b", "#26282c"
SIDE, MARGIN, DOT = 560, 70, 2
"""Pixels. Discord crops pictures that it shows side by side to squares."""

OUTLIERS = 0.02
"""Share of the losses above the plot, and of those below it."""

SMOOTHING = 0.98
"""Of the smoothed loss, what stays from step to step: single losses depend on their timesteps."""

COUNTED = 500
"""Losses that count in the latest smoothed one: older ones weigh less than 0.01 %."""

MAX_CELL = 320
"""Pixels of the longer side of a sample in a sheet."""

MAX_ROWS = 6
GAP, LABEL = 6, 22


def smoothed(losses: Sequence[float]) -> list[float]:
    """An exponential average of the losses so far, at each step.

    It is corrected for its beginning at zero (Kingma and Ba, "Adam", 2015, section 3).
    """
    means, mean = [], 0.0
    for step, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**step))
    return means


def latest(losses: Sequence[float]) -> float:
    """The last of the smoothed losses; those that no longer count in it aren't looked at."""
    return smoothed(losses[-COUNTED:])[-1]


def draw_losses(losses: Sequence[float]) -> bytes | None:
    """A plot of the losses as PNG, the smoothed one on top of the single ones. Blocks.

    A single loss makes no line: `None`.
    """
    if len(losses) < 2:
        return None
    image = Image.new("RGB", (SIDE, SIDE), BACKGROUND)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(22)
    line, ordered = smoothed(losses), sorted(losses)
    low = min(ordered[int(len(losses) * OUTLIERS)], *line)
    high = max(ordered[int(len(losses) * (1 - OUTLIERS))], *line, low + 1e-9)
    room, end = SIDE - 2 * MARGIN, SIDE - MARGIN

    def at(step: int, loss: float) -> tuple[float, float]:
        share = min(1.0, max(0.0, (loss - low) / (high - low)))
        return MARGIN + room * step / (len(losses) - 1), end - room * share

    draw.line([at(0, high), at(0, low), (end, end)], fill=TEXT)
    for x, y in (at(*point) for point in enumerate(losses)):
        draw.ellipse((x - DOT, y - DOT, x + DOT, y + DOT), fill=FAINT)
    draw.line([at(*point) for point in enumerate(line)], fill=LINE, width=4, joint="curve")
    for y, value, anchor in ((MARGIN, high, "rt"), (end, low, "rs")):
        draw.text((MARGIN - 8, y), f"{value:.2g}", fill=TEXT, font=font, anchor=anchor)
    draw.text((MARGIN, end + 8), "1", fill=TEXT, font=font)
    draw.text((end, end + 8), str(len(losses)), fill=TEXT, font=font, anchor="ra")
    draw.text((SIDE / 2, MARGIN / 2), "loss", fill=TEXT, font=font, anchor="mm")
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def rows_of(steps: Sequence[int]) -> list[int]:
    """Those of the steps, in order, that are rows of a sheet: the first, the last, and between."""
    if len(steps) <= MAX_ROWS:
        return list(steps)
    return [steps[round(row * (len(steps) - 1) / (MAX_ROWS - 1))] for row in range(MAX_ROWS)]


def draw_samples(folder: RunFolder, steps: Sequence[int], prompts: int) -> bytes | None:
    """The samples as PNG, a row for each time that they were painted; `None` without any. Blocks.

    The first row is the model as it was, the last one as it is now.

    Args:
        folder: Of the training.
        steps: After which they were painted, such as `rows_of` those that there are.
        prompts: How many there are.
    """
    rows = [[_cell(folder, step, number) for number in range(1, prompts + 1)] for step in steps]
    sizes = [cell.size for row in rows for cell in row if cell]
    if not sizes:
        return None
    width, height = max(size[0] for size in sizes), max(size[1] for size in sizes)
    sheet = Image.new(
        "RGB",
        (GAP + prompts * (width + GAP), GAP + len(rows) * (height + LABEL + GAP)),
        BACKGROUND,
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for place, (step, row) in enumerate(zip(steps, rows, strict=True)):
        y = GAP + place * (height + LABEL + GAP)
        draw.text((GAP, y + 2), str(step), fill=TEXT, font=font)
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.paste(cell, (GAP + column * (width + GAP), y + LABEL))
    return encoded(sheet, "PNG", PictureMarks(source_type=SourceType.TRAINED))


def _cell(folder: RunFolder, step: int, number: int) -> Image.Image | None:
    try:
        with Image.open(folder.sample(step, number)) as image:
            cell = image.convert("RGB")
    except (OSError, SyntaxError):
        return None
    cell.thumbnail((MAX_CELL, MAX_CELL), Image.Resampling.LANCZOS)
    return cell
