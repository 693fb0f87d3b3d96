"""Finds words in texts, even when they are disguised."""

import re
import unicodedata
from collections.abc import Iterable

LOOKALIKES = str.maketrans(
    "аеорсухкмтвнӏіјѕԁԛԝһαβεηικμνορτυχγıɩɡǀⅼ∨օսոհցյꞵʙᴀᴇᴏᴜᴛ",
    "aeopcyxkmtbhlijsdqwhabenikmvoptuxyiigllvounhgjbbaeout",
)
"""Letters of other alphabets (Cyrillic, Greek, Armenian, small capitals) that look like Latin ones,
in lower case. Chosen by eye; words of those alphabets change alike in a list and in a text."""

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
)
"""Scripts without spaces between words: a word in them is found anywhere."""

LATIN_MARKS = re.compile(r"(?<=[a-z])[\u0300-\u036f\u0489\u20d0-\u20ff]+")
"""Marks on a Latin letter that don't combine into a letter of their own: they only disguise it."""


def normalize(text: str) -> str:
    """The text as it is compared: without compatibility forms, case, disguises and extra spaces."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf" and not _is_invisible(c))
    text = unicodedata.normalize("NFKC", text.casefold()).translate(LOOKALIKES)
    return " ".join(LATIN_MARKS.sub("", text).split())


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
    return tuple(word for word in words if any(_is_in(word, text) for text in normalized))


def _is_in(word: str, text: str) -> bool:
    """Whether the text contains the word. The quick check first: nearly always it says no."""
    return all(part in text for part in word.split()) and bool(re.search(_pattern(word), text))


def _is_invisible(letter: str) -> bool:
    """Whether it is invisible without being a format character: joiners and variation selectors."""
    return letter in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" or "\ufe00" <= letter <= "\ufe0f"


def _pattern(word: str) -> str:
    """A pattern for the word, with a boundary at each end unless its script has none."""
    edge = f"[^\\W_{UNSPACED}]"
    before = f"(?<!{edge})" if re.match(edge, word) else ""
    after = f"(?!{edge})" if re.search(f"{edge}$", word) else ""
    return before + r"[\s_]+".join(re.escape(part) for part in word.split()) + after
