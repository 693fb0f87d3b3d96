"""The words that a scope blocks or has reviewed, and prompts checked against them."""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from engine.errors import InvalidRequest
from engine.jobs.request import ImageRequest
from engine.moderation.word_filter import contains_any, find_words
from engine.prompts.grammar import sections, without_adapters
from engine.stored_json import load_stored
from speech import phrase, say

BLOCKED, REVIEWED = "blocked_words", "reviewed_words"
"""The preferences that hold the two lists."""

NO_WORDS: list[Any] = []


@dataclass(frozen=True, slots=True)
class WordLists:
    """The word lists of a scope, each word in the form in which it is compared.

    Attributes:
        blocked: Words that no prompt may contain.
        reviewed: Words that a moderator has to review first.
        damaged: Whether a stored list can't be read. Then nothing is painted until a moderator has
            set the lists again: what they forbade isn't known.
    """

    blocked: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = ()
    damaged: bool = False

    @classmethod
    def from_preferences(cls, preferences: Mapping[str, str]) -> Self:
        """The lists among the preferences of a scope."""
        stored = preferences.get(BLOCKED), preferences.get(REVIEWED)
        return cls(
            words_from_json(stored[0]),
            words_from_json(stored[1]),
            damaged=not all(map(_is_intact, stored)),
        )

    async def check(self, *requests: ImageRequest) -> None:
        """Raise `InvalidRequest` when a prompt contains a blocked word.

        Brackets that weigh words are looked through: `bl(oo)d` is checked as it is read.
        """
        if self.damaged:
            raise InvalidRequest(
                say(
                    "The word lists of this server are damaged, so nothing can be painted. Ask "
                    "someone who manages the server to set them again with `/words block`."
                )
            )
        if not self.blocked:
            return
        prompts = {
            phrase("prompt"): {request.prompt for request in requests},
            phrase("negative prompt"): {request.negative_prompt for request in requests},
        }
        for name, texts in prompts.items():
            if await asyncio.to_thread(_contains_any, self.blocked, texts):
                raise InvalidRequest(
                    say(
                        "Your {name} contains a word that isn't allowed in this server. "
                        "Rephrase it, or ask someone who manages the server.",
                        name=say(name),
                    )
                )

    async def to_review(self, *requests: ImageRequest) -> tuple[str, ...]:
        """The words in the prompts for which a moderator has to review them first."""
        if not self.reviewed:
            return ()
        texts = {text for each in requests for text in (each.prompt, each.negative_prompt)}
        return await asyncio.to_thread(_found_in, self.reviewed, texts)


def words_from_json(text: str | None) -> tuple[str, ...]:
    """The words of a list as it is stored; those that can be read, if it is damaged."""
    stored, _ = load_stored(text, NO_WORDS, "word list")
    return tuple(word for word in stored if isinstance(word, str) and word)


def _is_intact(text: str | None) -> bool:
    stored, intact = load_stored(text, NO_WORDS, "word list")
    return intact and all(isinstance(word, str) and word for word in stored)


def words_to_json(words: Iterable[str]) -> str:
    """A list as it is stored: sorted."""
    return json.dumps(sorted(words), ensure_ascii=False)


def _contains_any(words: Collection[str], texts: Iterable[str]) -> bool:
    return contains_any(words, *(reading for text in texts for reading in _readings(text)))


def _found_in(words: Collection[str], texts: Iterable[str]) -> tuple[str, ...]:
    return find_words(words, *(reading for text in texts for reading in _readings(text)))


def _readings(text: str) -> tuple[str, ...]:
    """The text as written, as painted, and without the brackets that weigh words."""
    painted, _ = without_adapters(text)
    return text, painted, _unweighted(painted)


def _unweighted(prompt: str) -> str:
    """The prompt without the brackets that weigh its words."""
    return " ".join("".join(piece.text for piece in section) for section in sections(prompt))
