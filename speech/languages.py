"""The languages, and which one is used now.

The current language belongs to the running task: each interaction runs in a task of its own, and
the tasks and threads that it starts inherit its language.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
"""The languages' own names by those of their catalogues. The code is written in the first."""

_CURRENT: ContextVar[str] = ContextVar("language", default="en")


def language_for(locale: object) -> str:
    """The language for a locale of Discord's, such as `zh-CN`; English if there is none."""
    name = str(locale).replace("-", "_")
    return name if name in LANGUAGES else "en"


def current_language() -> str:
    """The current language, one of `LANGUAGES`."""
    return _CURRENT.get()


def set_language(language: str) -> None:
    """Use `language`, one of `LANGUAGES`, for the rest of this task."""
    _CURRENT.set(language)


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Use `language`, one of `LANGUAGES`, within the block."""
    token = _CURRENT.set(language)
    try:
        yield
    finally:
        _CURRENT.reset(token)
