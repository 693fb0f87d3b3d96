"""The contact sheet for the README: what the exported model paints, each with its prompt."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from training.evaluate import load_pipeline, paint

SHEET = Path(__file__).parent.parent / "docs" / "sketch.png"
COLUMNS, CELL, CAPTION, GAP = 6, 192, 34, 12
PROMPTS = (
    "a red house under a yellow moon",
    "a red house and a green tree",
    "two yellow stars",
    "a cat at sunset",
    "a purple fish on a yellow background",
    "a blue boat",
    "a white cloud above a green mountain",
    "a pink flower in the snow",
    "an orange cat on a blue car",
    "three red apples",
    "a red mushroom in a meadow",
    "a yellow sun above a white house",
    "a blue umbrella at night",
    "a red heart on a pink background",
    "a green balloon to the left of a purple star",
    "a black cat under a white moon",
    "a red circle on a white background",
    "an orange fish below a red boat",
    "a brown mountain in the desert",
    "a blue square and a red triangle",
    "a masterpiece of a yellow flower, in Picasso style",
    "two pink hearts above a blue house",
    "a red car to the right of a green tree",
    "a purple mushroom at sunset",
)


def paint_contact_sheet(guidance: float = 3.0, steps: int = 20, seed: int = 7) -> Path:
    """Paint the prompts and write the sheet; return its path."""
    pictures = paint(load_pipeline(), list(PROMPTS), steps, guidance, seed)
    rows = -(-len(PROMPTS) // COLUMNS)
    size = (COLUMNS * (CELL + GAP) + GAP, rows * (CELL + CAPTION + GAP) + GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for index, (prompt, picture) in enumerate(zip(PROMPTS, pictures, strict=True)):
        left = GAP + index % COLUMNS * (CELL + GAP)
        top = GAP + index // COLUMNS * (CELL + CAPTION + GAP)
        large = Image.fromarray(picture).resize((CELL, CELL), Image.Resampling.LANCZOS)
        sheet.paste(large, (left, top))
        for line, text in enumerate(_wrapped(prompt, font)):
            draw.text((left, top + CELL + 4 + 14 * line), text, "#333333", font)
    sheet.save(SHEET, optimize=True)
    return SHEET


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > CELL:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
