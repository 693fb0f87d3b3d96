"""Letters that look like Latin ones, as Unicode lists them (UTS #39, "confusables")."""

import unicodedata
from collections.abc import Mapping
from functools import cache

import regex
from confusable_homoglyphs.confusables import confusables_data

WORD = regex.compile(r"[\p{L}\p{M}\p{N}\p{S}_]+")

ORDINARY = regex.compile(
    r"([\p{M}\p{N}_]|[а-яёіїєґў])+|([\p{M}\p{N}_]|[α-ωά-ώϊϋΐΰ])+"
    r"|[\p{Armenian}\p{Georgian}\p{Hebrew}\p{Arabic}\p{Ethiopic}\p{Han}\p{Hiragana}\p{Katakana}"
    r"\p{Hangul}\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}\p{Devanagari}\p{Bengali}\p{Gujarati}\p{Oriya}"
    r"\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{M}\p{N}_]+"
)
"""Words written as their language writes them, in lower case: with the letters of Russian,
Ukrainian, Belarusian or Greek, or in another script that people write today."""

LATIN = regex.compile(r"\p{Latin}")


def unmasked(text: str) -> str:
    """The text, in lower case, with Latin letters for what only looks like them.

    A word that mixes alphabets is a disguise, and so is one with letters that hardly anyone writes.
    A Russian word is left as it is, even if all its letters look Latin: so does a model read it.
    """
    return text if text.isascii() else WORD.sub(_unmasked, text)


def _unmasked(word: "regex.Match[str]") -> str:
    found: str = word[0]
    if found.isascii() or (ORDINARY.fullmatch(found) and not LATIN.search(found)):
        return found
    return found.translate(_latin())


@cache
def _latin() -> Mapping[int, str]:
    """The Latin letter for each letter that looks like one in lower case or as a capital."""
    letters: dict[int, str] = {}
    for letter in confusables_data:
        lower = unicodedata.normalize("NFKC", letter).casefold()
        if len(letter) != 1 or len(lower) != 1 or lower.isascii():
            continue
        looks = (_looks_like(form) for form in (lower, lower.upper(), letter))
        if (latin := next(filter(None, looks), None)) is not None:
            letters[ord(lower)] = latin
    return letters


def _looks_like(letter: str) -> str | None:
    others = (entry["c"] for entry in confusables_data.get(letter, ()))
    return next(
        (other.lower() for other in others if len(other) == 1 and "A" <= other.upper() <= "Z"), None
    )
