"""Small checks of JSON values that report what is wrong as `Problem`s in Discord's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import Problem

Path = tuple[str | int, ...]


def length(
    path: Path, value: Any, low: int, high: int, *, required: bool = False
) -> Iterator[Problem]:
    """A string of `low` to `high` characters; None passes unless it is required."""
    if value is None:
        if required:
            yield Problem(path, "BASE_TYPE_REQUIRED", "This field is required")
    elif not isinstance(value, str):
        yield Problem(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
    elif not low <= len(value) <= high:
        text = f"Must be between {low} and {high} in length."
        if not low:
            text = f"Must be {high} or fewer in length."
        yield Problem(path, "BASE_TYPE_BAD_LENGTH", text)


def count(path: Path, value: Any, low: int, high: int) -> Iterator[Problem]:
    """A list of `low` to `high` items."""
    if not isinstance(value, list):
        yield Problem(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    elif not low <= len(value) <= high:
        text = f"Must be between {low} and {high} in length."
        yield Problem(path, "BASE_TYPE_BAD_LENGTH", text)


def number(path: Path, value: Any, low: int, high: int) -> Iterator[Problem]:
    """A whole number from `low` to `high`; None passes."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        yield Problem(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    elif value < low:
        text = f"int value should be greater than or equal to {low}."
        yield Problem(path, "NUMBER_TYPE_MIN", text)
    elif value > high:
        text = f"int value should be less than or equal to {high}."
        yield Problem(path, "NUMBER_TYPE_MAX", text)
