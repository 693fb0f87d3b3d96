"""What was found out about painting fast on a card, remembered in a file beside what was compiled.

The file can be deleted at any time: everything in it is found out again.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import torch

from engine.atomic_write import write_whole

NAME = "tuning.json"


class Tuning:
    """What is known of one denoiser on one card, with one version of torch."""

    def __init__(self, folder: Path | None, device: str, model: str, dtype: str) -> None:
        """Remember in `folder`; without one only for as long as this object lives."""
        self._file = folder / NAME if folder else None
        self._key = f"{device} · torch {torch.__version__} · {model} · {dtype}"
        self._values: dict[str, Any] = {}
        known = self._read().get(self._key)
        if isinstance(known, dict):
            self._values = known

    def text(self, name: str) -> str | None:
        """A word that is known, if any."""
        value = self._values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> float | None:
        """A number above 0 that is known, if any."""
        value = self._values.get(name)
        return float(value) if isinstance(value, int | float) and value > 0 else None

    def remember(self, **values: str | float) -> None:
        """Write these down."""
        self._values |= values
        if self._file is None:
            return
        with contextlib.suppress(OSError):  # a full disk; it's found out again
            everything = self._read() | {self._key: self._values}
            write_whole(self._file, json.dumps(everything, indent=1).encode())

    def _read(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        try:
            found = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
