"""What the exit code of the program says."""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """An exit code, with what it means in words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    FINE = 0, "all went well"
    BUG = 1, "a bug in Atelier"
    USAGE = 2, "the command line is not understood"
    SETTINGS = 3, "a setting is wrong"
    TOKEN = 4, "the Discord token is missing or refused"
    STORAGE = 5, "the data folder cannot be used"
    NOT_PAINTED = 6, "the picture could not be painted"
    CANNOT_RUN = 7, "check found what keeps the bot from running"
    UNREACHABLE = 8, "Discord cannot be reached"
    MODEL = 9, "a model is damaged, or cannot be had, added or removed"
    INTERRUPTED = 130, "stopped with Ctrl-C"
