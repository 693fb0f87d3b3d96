"""A catalogue of a few sentences, for tests that care how one is said and not which."""

from __future__ import annotations

from collections.abc import Mapping
from gettext import NullTranslations

import pytest

from speech import sentences


class Chinese(NullTranslations):
    """Knows these words, and leaves the others in English."""

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__()
        self._words = words

    def gettext(self, message: str) -> str:
        return self._words.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._words.get(msgid1, msgid2)


def say_in_chinese(monkeypatch: pytest.MonkeyPatch, words: Mapping[str, str]) -> None:
    """Have these templates said like that in Chinese."""
    known = {"en": NullTranslations(), "zh_CN": Chinese(words)}
    monkeypatch.setattr(sentences, "catalogue", known.__getitem__)
