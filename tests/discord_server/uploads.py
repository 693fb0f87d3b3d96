"""A file on its way to Discord."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person picks or the bot sends."""

    filename: str
    data: bytes
