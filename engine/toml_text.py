"""Writing TOML; Python's own library only reads it."""

import json
import re
from collections.abc import Mapping
from typing import Any


def toml_header(name: str) -> str:
    """The line that begins a section such as `engine`, or `models.NAME` with any name."""
    section, _, key = name.partition(".")
    if key and not re.fullmatch(r"[A-Za-z0-9_-]+", key):
        key = json.dumps(key, ensure_ascii=False)
    return f"[{section}.{key}]\n" if key else f"[{section}]\n"


def toml_text(values: Mapping[str, Any]) -> str:
    """One line for each value: a string, a number, a boolean or a list of those.

    JSON writes them as TOML does, but for DEL.
    """
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return "".join(f"{line}\n" for line in lines).replace("\x7f", "\\u007f")
