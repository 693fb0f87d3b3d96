"""Puts the trigger word into captions, and names of folders where there are none."""

import re
from pathlib import Path, PurePosixPath

FOLDER = re.compile(r"(?P<repeats>[1-9][0-9]{0,2})_(?P<words>.*)", re.DOTALL)
"""kohya's name for a folder."""


def folder_of(folder: Path, name: str) -> tuple[int, str]:
    """Repeats and words of the nearest folder that has some."""
    for each in (*PurePosixPath(name).parents[:-1], folder):
        if match := FOLDER.fullmatch(each.name):
            return int(match["repeats"]), " ".join(match["words"].split())
    return 1, ""


def with_trigger(caption: str, words: str, trigger: str) -> str:
    """The caption, or else the folder's words, with the trigger in front if it isn't there."""
    text = caption or words
    if not trigger or _mentions(text, trigger):
        return text
    return (f"{trigger}, {caption}" if caption else f"{trigger} {words}").strip()


def _mentions(text: str, trigger: str) -> bool:
    """Whether the text has the trigger as a word; scripts without spaces have no such bounds."""
    word = rf"(?<!\w){re.escape(trigger.casefold())}(?!\w)"
    return re.search(word, text.casefold(), re.ASCII) is not None
