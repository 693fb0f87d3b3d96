"""The settings file that `init` writes."""

from pathlib import Path
from typing import Any

from engine import StorageError
from engine.atomic_write import write_whole
from engine.toml_text import toml_text

Sections = dict[str, dict[str, Any]]

PARTIAL = ".00000000.partial"
"""As long as what is added to the file's name while it is written."""


def write_settings(file: Path, sections: Sections) -> None:
    """Write the file, whole or not at all, readable only by its owner since it holds the token.

    Raises:
        StorageError: It can't be written.
    """
    try:
        write_whole(file, _toml(sections).encode())
    except OSError as error:
        raise StorageError(f"{file} can't be written: {error.strerror}.") from error


def _toml(sections: Sections) -> str:
    """The sections as TOML, without empty values."""
    text = "# Written by `init`. config.example.toml lists every setting.\n"
    for name, values in sections.items():
        given = {key: value for key, value in values.items() if value}
        if given:
            text += f"\n[{name}]\n{toml_text(given)}"
    return text
