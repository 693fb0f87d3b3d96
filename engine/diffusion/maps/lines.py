"""Edges and lines of a picture, in white on black; no model is needed."""

import cv2
import numpy as np
from PIL import Image

LOW, HIGH = 100, 200
"""Thresholds of Canny's method, with which the ControlNets for edges were trained
(https://github.com/lllyasviel/ControlNet, `gradio_canny2image.py`)."""

SPREAD = 6.0
"""Pixels of the blur with which a line's surroundings are taken, at `SIDE`."""
SIDE = 512
"""The shorter side for which `SPREAD` is meant."""
FAINT = 8.0
"""Levels by which a pixel has to be darker than its surroundings to belong to a line."""
PALE = 16.0
"""The least darkness that counts as a picture's typical line, so that noise isn't drawn."""


def edges(image: Image.Image) -> Image.Image:
    """Edges by Canny's method ("A Computational Approach to Edge Detection", 1986), RGB."""
    found = cv2.Canny(np.asarray(image.convert("RGB")), LOW, HIGH)
    return Image.fromarray(found).convert("RGB")


def lines(image: Image.Image) -> Image.Image:
    """What is darker than its surroundings, as a drawing in white on black, RGB.

    The difference to a blurred copy, scaled so that the typical line is grey: the way in which
    lineart networks are commonly fed from photos without a model.
    """
    levels = np.asarray(image.convert("RGB")).astype(np.float32)
    spread = SPREAD * max(1.0, min(image.size) / SIDE)
    around = cv2.GaussianBlur(levels, (0, 0), spread)
    darker = np.clip((around - levels).min(axis=2), 0, 255)
    marks = darker[darker > FAINT]
    typical = max(PALE, float(np.median(marks)) if marks.size else 0.0)
    drawn = np.clip(darker / typical * 127, 0, 255).astype(np.uint8)
    return Image.fromarray(drawn).convert("RGB")
