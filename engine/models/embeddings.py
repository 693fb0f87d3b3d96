"""The files of textual inversions, and their words in a prompt.

A file has the name of its word, which counts in any case, with or without angle brackets.
"""

import re
from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (".safetensors", ".pt", ".bin")


def embedding_files(folder: Path | None) -> dict[str, Path]:
    """The files in `folder`, which may not exist, and in those in it, by their words."""
    if folder is None:
        return {}
    found = [file for file in folder.rglob("*") if file.suffix in SUFFIXES]
    found.sort(key=lambda file: (SUFFIXES.index(file.suffix), file), reverse=True)
    return {file.stem.casefold(): file for file in found}


def words_in(text: str, words: Iterable[str]) -> tuple[str, ...]:
    """Those of `words` that occur in `text`."""
    known = tuple(words)
    if not known:
        return ()
    found = re.findall(word_pattern(known), text, flags=re.IGNORECASE)
    return tuple(sorted({word.strip("<>").casefold() for word in found}))


def word_pattern(words: Iterable[str]) -> str:
    """A pattern for any of the words, with or without angle brackets."""
    longest_first = sorted(words, key=len, reverse=True)
    either = "|".join(re.escape(word) for word in longest_first)
    return rf"(?<!\w)(?:<(?:{either})>|(?:{either}))(?!\w)"
