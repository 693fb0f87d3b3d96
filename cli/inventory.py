"""Which models are on disk. Nothing is downloaded and no weights are read."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from engine import Model

INDEX = "model_index.json"


class Presence(StrEnum):
    """How much of a model is on disk."""

    COMPLETE = "on disk"
    """All parts."""
    PARTIAL = "partly downloaded"
    """Some parts; the Hub has the rest."""
    ABSENT = "not downloaded"
    """None of it; the Hub may have it."""
    BROKEN = "incomplete"
    """A folder that lacks parts."""
    NO_FOLDER = "no such folder"
    """Nothing, and the source is no Hub id either."""

    @property
    def downloads(self) -> bool:
        """Whether the first use downloads something."""
        return self in (Presence.PARTIAL, Presence.ABSENT)


@dataclass(frozen=True, slots=True)
class Stock:
    """What is on disk of a model; `size` is in bytes."""

    presence: Presence
    size: int = 0


def stock_of(model: Model) -> Stock:
    """Look for `model` on disk: as a folder, or in the Hugging Face cache."""
    folder = Path(model.source)
    lacking = Presence.BROKEN
    if not folder.is_dir():
        if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", model.source):
            return Stock(Presence.NO_FOLDER)
        index = try_to_load_from_cache(model.source, INDEX, revision=model.revision)
        if not isinstance(index, str):
            return Stock(Presence.ABSENT)
        folder = Path(index).parent
        lacking = Presence.PARTIAL
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    complete = (folder / INDEX).is_file() and _has_parts(folder, model.variant)
    return Stock(Presence.COMPLETE if complete else lacking, size)


def _has_parts(folder: Path, variant: str | None) -> bool:
    """Whether every part that the index names is there, with weights where it takes some."""
    index = json.loads((folder / INDEX).read_text("utf-8"))
    weights = f"*.{variant}*.safetensors" if variant else "*.safetensors"
    for name, part in index.items():
        if not isinstance(part, list) or part[0] is None:
            continue
        if not (folder / name).is_dir():
            return False
        if (folder / name / "config.json").exists() and not any((folder / name).glob(weights)):
            return False
    return True


def human_size(size: float) -> str:
    """A number of bytes in words, such as “4.3 GB”."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size:.{0 if size >= 10 or units[0] == 'B' else 1}f} {units[0]}"
