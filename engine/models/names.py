"""Names that nobody has chosen, for models and LoRAs."""

import itertools
import re
from collections.abc import Container


def free_name(title: str, fallback: str, taken: Container[str]) -> str:
    """A name that isn't taken, from a title, Hub ID, folder or file; else from the fallback."""
    last = title.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    last = re.sub(r"\.(safetensors|gguf|ckpt)$", "", last, flags=re.IGNORECASE)
    name = re.sub(r"[^\w.-]+", "-", last).strip("-.").lower()[:45] or fallback
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if each not in taken)
