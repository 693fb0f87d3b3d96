"""Names of models and LoRAs: which are allowed, and what to call one that nobody has named."""

import itertools
import re
from collections.abc import Container

from engine.errors import InvalidModel
from speech import say

NAME = re.compile(r"[\w.-]{1,50}")
"""What a name may look like: people type it, and it stands in headers of the settings."""


def check_name(name: str) -> None:
    """Raise `InvalidModel` unless a model may be called `name`."""
    if not NAME.fullmatch(name):
        raise InvalidModel(
            say(
                "“{name}” isn't a valid name. Use 1 to 50 letters, digits, dots, hyphens or "
                "underscores.",
                name=name,
            )
        )


def free_name(title: str, fallback: str, taken: Container[str]) -> str:
    """A name that isn't taken, from a title, Hub ID, folder or file; else from the fallback."""
    last = title.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    last = re.sub(r"\.(safetensors|gguf|ckpt)$", "", last, flags=re.IGNORECASE)
    name = re.sub(r"[^\w.-]+", "-", last).strip("-.").lower()[:45] or fallback
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if each not in taken)
