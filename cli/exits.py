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
    TOKEN = 4, "token of Discord or the Hub missing, rejected or without the right"
    STORAGE = 5, "data folder, or another file or folder, unusable"
    NOT_PAINTED = 6, "picture couldn't be painted, or LoRA trained"
    CANNOT_RUN = 7, "check found a problem that stops the bot"
    UNREACHABLE = 8, "Discord or the Hub unreachable"
    MODEL = 9, "model damaged or unavailable, or couldn't be added, removed or published"
    DOES_NOT_FIT = 10, "no memory plan fits"
    OUTPUT = 11, "output couldn't be written"
    BACKUP = 12, "backup damaged, newer than the program, or not one"
    SERVICE = 13, "service couldn't be installed or removed"
    CLUSTER = 14, "workers can't meet the bot, or an invitation isn't valid"
    INTERRUPTED = 130, "interrupted with Ctrl-C"
