"""From a page of HTML to a PNG: Chromium draws it, Pillow crops it."""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

WIDTH, TALLEST, SCALE = 640, 3000, 1.5
"""Of the page, in CSS pixels, and device pixels for each of them."""

MOST_BYTES = 300_000
"""Of a picture that is kept with the code; one that is larger gets a palette of 256 colours."""

MARGIN = 16
"""CSS pixels below the last thing on a page."""


def photograph(html: str, browser: str) -> bytes:
    """A page as PNG, cropped to what is on it.

    Raises:
        subprocess.CalledProcessError: When the browser fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(html, encoding="utf-8")
        return photograph_address(source.as_uri(), browser)


def photograph_address(
    address: str, browser: str, *, width: int = WIDTH, scale: float = SCALE, locale: str = "en-US"
) -> bytes:
    """What is at an address as PNG, cropped to what is on it.

    Args:
        address: Where the page is.
        browser: The Chromium.
        width: Of its window, CSS pixels.
        scale: Device pixels for each of them.
        locale: The reader's language.

    Raises:
        subprocess.CalledProcessError: When the browser fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "page.png"
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--window-size={width},{TALLEST}", f"--force-device-scale-factor={scale}",
            f"--user-data-dir={folder}/profile", f"--screenshot={target}",
            f"--lang={locale}", f"--accept-lang={locale}",
        ]  # fmt: skip
        subprocess.run([browser, *options, address], check=True, capture_output=True, timeout=120)
        with Image.open(target) as opened:
            picture = opened.convert("RGB")
    bottom = picture.getpixel((0, picture.height - 1))
    box = ImageChops.difference(picture, Image.new("RGB", picture.size, bottom)).getbbox()
    assert box is not None, "a page is never empty"
    height = min(picture.height, box[3] + round(MARGIN * scale))
    cropped = picture.crop((0, 0, picture.width, height))
    data = _png(cropped)
    return data if len(data) <= MOST_BYTES else _png(cropped.quantize(256))


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "png", optimize=True)
    return data.getvalue()
