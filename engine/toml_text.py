"""Writing TOML; Python's own library only reads it."""

import json
from collections.abc import Mapping
from typing import Any


def toml_text(values: Mapping[str, Any]) -> str:
    """One line for each value: a string, a number, a boolean or a list of those.

    JSON writes them as TOML does, but for DEL.
    """
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return "".join(f"{line}\n" for line in lines).replace("\x7f", "\\u007f")
