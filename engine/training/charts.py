"""Pictures of how a training goes: its losses as a plot, its samples side by side."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from engine.images.encoding import PictureMarks, encoded
from engine.images.metadata.xmp import SourceType
from engine.training.run_folder import RunFolder

BACKGROUND, FAINT, LINE, TEXT = "#f7f5f0", "#d8d2c4", "#2f6f6b", "#26282c"
PLOT = 720, 320
MARGIN = 44
"""Pixels."""

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
    width, height = PLOT
    image = Image.new("RGB", PLOT, BACKGROUND)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    line = smoothed(losses)
    top = max(sorted(losses)[int(len(losses) * 0.98)], *line, 1e-9)

    def at(step: int, loss: float) -> tuple[float, float]:
        x = MARGIN + (width - 2 * MARGIN) * step / (len(losses) - 1)
        return x, height - MARGIN - (height - 2 * MARGIN) * min(1.0, loss / top)

    draw.line([at(0, top), at(0, 0), (width - MARGIN, height - MARGIN)], fill=TEXT)
    draw.point([at(*point) for point in enumerate(losses)], fill=FAINT)
    draw.line([at(*point) for point in enumerate(line)], fill=LINE, width=2, joint="curve")
    draw.text((4, MARGIN - 6), f"{top:.3g}", fill=TEXT, font=font)
    draw.text((MARGIN, height - MARGIN + 6), "0", fill=TEXT, font=font)
    last = str(len(losses))
    draw.text((width - MARGIN, height - MARGIN + 6), last, fill=TEXT, font=font, anchor="ra")
    draw.text((width / 2, 14), "loss", fill=TEXT, font=font, anchor="ma")
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
