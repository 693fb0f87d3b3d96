"""Whether a text has words that are not wanted, whatever they are disguised as."""

import re
import unicodedata
from collections.abc import Iterable

LOOKALIKES = str.maketrans(
    "аеорсухкмтвнӏіјѕԁԛԝһαβεηικμνορτυχγıɩɡǀⅼ∨օսոհցյꞵʙᴀᴇᴏᴜᴛ",
    "aeopcyxkmtbhlijsdqwhabenikmvoptuxyiigllvounhgjbbaeout",
)
"""Letters of other alphabets (Cyrillic, Greek, Armenian, small capitals) that look like Latin ones,
in lower case. Chosen by eye; words of those alphabets change in a list and in a text alike."""

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
)
"""Scripts that put no spaces between words: a word of theirs counts wherever it stands."""

LATIN = re.compile(r"(?<=[a-z])[\u0300-\u036f\u0489\u20d0-\u20ff]+")
"""Marks on a letter that no letter with a mark exists for: they only disguise it."""


def normalised(text: str) -> str:
    """The text as it is compared: compatibility forms, case, disguises and spaces taken away."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf" and not _selects(c))
    text = unicodedata.normalize("NFKC", text.casefold()).translate(LOOKALIKES)
    return " ".join(LATIN.sub("", text).split())


def has_any(words: Iterable[str], *texts: str) -> bool:
    """Whether one of the texts has one of the words, as a whole word.

    Args:
        words: As `normalised` leaves them.
        texts: As people write them.
    """
    return bool(those_in(words, *texts))


def those_in(words: Iterable[str], *texts: str) -> tuple[str, ...]:
    """Those of the words that one of the texts has; the arguments are those of `has_any`."""
    plain = {normalised(text) for text in texts}
    return tuple(word for word in words if any(_is_in(word, text) for text in plain))


def _is_in(word: str, text: str) -> bool:
    """Whether the text has the word; nearly always it has not even the letters, which is quick."""
    return all(part in text for part in word.split()) and bool(re.search(_pattern(word), text))


def _selects(letter: str) -> bool:
    """Whether it is invisible without being a format character: joiners, variation selectors."""
    return letter in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" or "\ufe00" <= letter <= "\ufe0f"


def _pattern(word: str) -> str:
    """The word, with a boundary at each end where its script knows boundaries."""
    edge = f"[^\\W_{UNSPACED}]"
    before = f"(?<!{edge})" if re.match(edge, word) else ""
    after = f"(?!{edge})" if re.search(f"{edge}$", word) else ""
    return before + r"[\s_]+".join(re.escape(part) for part in word.split()) + after
