"""The settings file without its tokens, comments and layout kept."""

import re
import tomllib
from pathlib import Path

from cli.errors import CommandError
from cli.exits import Exit
from cli.logs import without_secrets

KEYS = ("token", "hub_token", "civitai_token")
"""The settings that are tokens."""

LEFT_OUT = "# A line with a token was left out of the backup."


def without_tokens(file: Path, text: str) -> str:
    """The text without the lines that have a token or a password in them, also in comments.

    Raises:
        CommandError: When something else would be left out with them.
    """
    given = tomllib.loads(text)
    secrets = [
        str(value)
        for section in given.values()
        if isinstance(section, dict)
        for key, value in section.items()
        if key in KEYS and value
    ]
    key = re.compile(rf"[#\s]*(?:\w+\s*\.\s*)?(?:{'|'.join(KEYS)})\s*=")
    lines = [
        LEFT_OUT if key.match(line) or without_secrets(line, secrets) != line else line
        for line in text.splitlines()
    ]
    left = "\n".join(lines) + "\n"
    try:
        same = _public(tomllib.loads(left)) == _public(given)
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise CommandError(
            Exit.SETTINGS,
            f"The tokens can't be left out of {file}. Give each a line of its own there, or keep "
            "them in the backup with --tokens.",
        )
    return left


def _public(given: dict[str, object]) -> dict[str, object]:
    """What isn't secret in settings; sections with nothing else are left out."""
    sections = {
        name: {key: value for key, value in section.items() if not _is_secret(key, value)}
        if isinstance(section, dict)
        else section
        for name, section in given.items()
    }
    return {name: section for name, section in sections.items() if section}


def _is_secret(key: str, value: object) -> bool:
    return key in KEYS or (isinstance(value, str) and without_secrets(value, ()) != value)
