"""Finds words in texts, even when they are disguised."""

import re
import unicodedata
from collections.abc import Iterable

import regex

from engine.moderation.lookalikes import unmasked

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
)
"""Scripts without spaces between words: a word in them is found anywhere."""

SMALL_CAPITALS = {
    number: match[1].lower()
    for number in (*range(0x1D00, 0x1D80), *range(0x250, 0x2B0), *range(0xA720, 0xA800))
    if (
        match := re.fullmatch(
            "LATIN LETTER SMALL CAPITAL ([A-Z])", unicodedata.name(chr(number), "")
        )
    )
}
"""Small capitals, by their names in Unicode."""

INVISIBLE = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cn}\p{Co}\p{Cs}\u2800\ufffc\U0001d159"
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+"
)
"""What nobody sees: what Unicode lets programs ignore, controls, unassigned characters, blanks."""

BLANK = regex.compile(
    r"[\u200b\ufeff\u2800\ufffc\u3164\u115f\u1160\uffa0\p{Cn}\p{Co}\U0001d159"
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+"
)
"""Those of them that may also be read as a space between two words."""

MARKS = regex.compile(
    r"(?<=[a-z])\p{M}+|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]+"
)
"""Marks on a Latin letter that don't combine into a letter of their own: they only disguise it.
Vowel points of Arabic and Hebrew, which may be written or not, and Arabic's stretched line."""


def normalize(text: str) -> str:
    """The text as it is compared: without compatibility forms, case, disguises and extra spaces."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", INVISIBLE.sub("", text)))
    text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(MARKS.sub("", unmasked(text.translate(SMALL_CAPITALS))).split())


def contains_any(words: Iterable[str], *texts: str) -> bool:
    """Whether one of the texts contains one of the words, as a whole word.

    Args:
        words: Normalized words.
        texts: As people wrote them.
    """
    return bool(find_words(words, *texts))


def find_words(words: Iterable[str], *texts: str) -> tuple[str, ...]:
    """The words that one of the texts contains; the arguments are those of `contains_any`."""
    normalized = {normalize(text) for text in texts}
    normalized |= {normalize(BLANK.sub(" ", text)) for text in texts if BLANK.search(text)}
    return tuple(word for word in words if any(_is_in(word, text) for text in normalized))


def _is_in(word: str, text: str) -> bool:
    """Whether the text contains the word. The quick check first: nearly always it says no."""
    return all(part in text for part in word.split()) and bool(re.search(_pattern(word), text))


def _pattern(word: str) -> str:
    """A pattern for the word, with a boundary at each end unless its script has none."""
    edge = f"[^\\W_{UNSPACED}]"
    before = f"(?<!{edge})" if re.match(edge, word) else ""
    after = f"(?!{edge})" if re.search(f"{edge}$", word) else ""
    return before + r"[\s_]+".join(re.escape(part) for part in word.split()) + after
