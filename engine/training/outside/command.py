"""The command of an outside trainer: its words, and the places that are put into them."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PLACEHOLDERS = ("dataset", "output", "base", "config", "plan", "name")
"""What may stand in braces in a command; see `OutsideFolder`."""

PLACE = re.compile(r"\{(\w+)\}")

CARD = re.compile(r"cuda:(\d+)")
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Says which cards a program sees; it counts them from 0."""

SECRETS = re.compile(r"DISCORD_TOKEN|CIVITAI_TOKEN|ATELIER_.*")
"""Names of variables that are the bot's alone. A trainer may need HF_TOKEN for its downloads."""


def checked_command(value: Any) -> tuple[str, ...]:
    """The words of a command: as they are in a list, split as a shell does in a text.

    Raises:
        ValueError: It isn't one, or has something else in braces.
    """
    words = shlex.split(value) if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(each, str) for each in words):
        raise ValueError('Allowed: a program and its options, such as ["train.sh", "{config}"].')
    for name in PLACE.findall(" ".join(words)):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(f"{{{name}}} isn't known. Allowed: {known}.")
    return tuple(words)


def filled(command: Sequence[str], places: Mapping[str, Path | str]) -> list[str]:
    """The words with what stands for their placeholders. No shell reads them."""
    return [PLACE.sub(lambda match: str(places[match[1]]), word) for word in command]


def environment(device: str) -> dict[str, str]:
    """This process's variables without those that hold the bot's secrets, for a program of others.

    Args:
        device: The one that it may use; of several cards it sees only that one.
    """
    found = {name: value for name, value in os.environ.items() if not SECRETS.fullmatch(name)}
    if match := CARD.fullmatch(device):
        number, seen = int(match[1]), found.get(VISIBLE, "").split(",")
        found[VISIBLE] = seen[number] if number < len(seen) and seen[number] else str(number)
    return found
