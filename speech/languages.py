"""The languages there are, and which one is spoken now.

That is a matter of the task at hand: each interaction runs in a task of its own, and whatever it
awaits, starts or hands to a thread inherits its language.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
"""By the name of its catalogue, what a language calls itself; the first is the one written in."""

_SPOKEN: ContextVar[str] = ContextVar("spoken", default="en")


def language_for(locale: object) -> str:
    """The language for one of Discord's locales, like `zh-CN`; English where there is none."""
    name = str(locale).replace("-", "_")
    return name if name in LANGUAGES else "en"


def spoken() -> str:
    """The language spoken now."""
    return _SPOKEN.get()


def speak(language: str) -> None:
    """Speak `language`, one of `LANGUAGES`, for the rest of this task."""
    _SPOKEN.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak `language`, one of `LANGUAGES`, inside of it."""
    token = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(token)
