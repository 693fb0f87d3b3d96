"""Values out of foreign JSON and text: each of the right type and within bounds, or `None`."""

import json
import math
import re
from typing import Any

MAX_JSON = 2_000_000
"""Characters of a JSON text; large ComfyUI graphs have a tenth of it."""

MAX_DIGITS = 20
"""Digits of a whole number: seeds of 64 bits have as many."""

WHOLE = re.compile(rf"\s*[0-9]{{1,{MAX_DIGITS}}}(\.0+)?\s*")

Json = dict[str, Any]


def json_object(text: str) -> Json | None:
    """The JSON object that `text` is, or `None`."""
    text = text.strip().strip("\0")
    if not text.startswith("{") or len(text) > MAX_JSON:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def looks_like_json(text: str) -> bool:
    """Whether a text is JSON, whole or damaged, and so no prompt."""
    return bool(re.match(r'\s*(\{\s*["}]|\[\s*[\[{"])', text))


def whole(value: object) -> int | None:
    """A whole number that isn't negative."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, int):
        return value if 0 <= value < 10**MAX_DIGITS else None
    if isinstance(value, str) and WHOLE.fullmatch(value[:99]):
        return int(value.partition(".")[0])
    return None


def number(value: object) -> float | None:
    """A number of at most three digits before its point."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,3}(\.[0-9]{1,17})?\s*", value[:99]):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value < 1000 or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return round(float(value), 6)


def side(value: object) -> int | None:
    """Pixels of a side."""
    pixels = whole(value)
    return pixels if pixels is not None and 0 < pixels < 100_000 else None


def text(value: object) -> str:
    """A text, or the texts of a list joined; empty for anything else."""
    if isinstance(value, str):
        return value.replace("\0", "").strip()
    if isinstance(value, list):
        return "\n".join(part.strip() for part in value[:100] if isinstance(part, str)).strip()
    return ""


def model_name(value: object) -> str:
    """The name of a model from that of a file, perhaps in a folder; or from an object with one."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("model_name")
    name = text(value).replace("\\", "/").rpartition("/")[2]
    return re.sub(r"\.(safetensors|ckpt|gguf|sft|pt|pth|bin)$", "", name, flags=re.IGNORECASE)[:100]


def weighted(name: object, weight: object) -> tuple[str, float] | None:
    """A LoRA by its name or file, with its weight; 1 if it has none."""
    known = model_name(name)
    try:
        value = float(weight) if isinstance(weight, (int, float, str)) else 1.0
    except (ValueError, OverflowError):
        value = 1.0
    return (known, round(value, 3)) if known and -100 < value < 100 else None
