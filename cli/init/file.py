"""The settings file that `init` writes."""

from pathlib import Path
from typing import Any

from cli.settings import Settings, settings_from
from engine import StorageError
from engine.atomic_write import write_whole
from engine.toml_text import toml_header, toml_text

Sections = dict[str, dict[str, Any]]

PARTIAL = ".00000000.partial"
"""As long as what is added to the file's name while it is written."""


def write_settings(file: Path, sections: Sections) -> Settings:
    """Write the file, whole or not at all, readable only by its owner since it holds the token.

    Returns:
        The settings that it has.

    Raises:
        SettingsError: The environment has something that doesn't go with it; nothing is written.
        StorageError: It can't be written.
    """
    text = _toml(sections)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise StorageError(f"{file} can't be written: an answer isn't text in UTF-8.") from None
    settings = settings_from(text, file)
    try:
        write_whole(file, data)
    except OSError as error:
        raise StorageError(f"{file} can't be written: {error.strerror}.") from error
    return settings


def _toml(sections: Sections) -> str:
    """The sections as TOML, without empty values."""
    text = "# Written by `init`. config.example.toml lists every setting.\n"
    for name, values in sections.items():
        given = {key: value for key, value in values.items() if value}
        if given:
            text += f"\n{toml_header(name)}{toml_text(given)}"
    return text
