"""Exit codes of the program."""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """An exit code and its meaning in words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    FINE = 0, "success"
    BUG = 1, "a bug in Atelier"
    USAGE = 2, "invalid command line"
    SETTINGS = 3, "invalid setting"
    TOKEN = 4, "Discord token missing or rejected"
    STORAGE = 5, "data folder unusable"
    NOT_PAINTED = 6, "picture couldn't be painted"
    CANNOT_RUN = 7, "check found a problem that stops the bot"
    UNREACHABLE = 8, "Discord unreachable"
    MODEL = 9, "model damaged or unavailable, or couldn't be added or removed"
    DOES_NOT_FIT = 10, "no memory plan fits"
    OUTPUT = 11, "output couldn't be written"
    INTERRUPTED = 130, "interrupted with Ctrl-C"
