"""Keeps order in each scope, such as a server: who is blocked, which words, and who did what."""

import asyncio
import json
import time
from collections.abc import Collection, Iterable

from engine.errors import InvalidRequest, NeedsReview
from engine.jobs.request import ImageRequest
from engine.moderation.reviews import ReviewQueue
from engine.moderation.word_filter import has_any, normalised, those_in
from engine.prompts.grammar import sections, without_adapters
from engine.store import AuditEntry, Block, ModerationTable, Preferences
from speech import phrase, say

BLOCKED, REVIEWED = "blocked_words", "reviewed_words"
"""The preferences that hold the words of a scope."""

MAX_WORDS = 200
DAY = 24 * 3600.0


class Moderation:
    """Reads and writes what order needs, and holds requests against it.

    Attributes:
        reviews: Requests that wait for a moderator.
    """

    def __init__(
        self, table: ModerationTable, preferences: Preferences, reviews: ReviewQueue
    ) -> None:
        self._table = table
        self._preferences = preferences
        self.reviews = reviews

    async def block(
        self, scope: str, user: str, *, by: str, reason: str, days: int | None = None
    ) -> Block:
        """Keep somebody from using `scope`, for some days or until it is taken back."""
        now = time.time()
        until = now + days * DAY if days is not None else None
        block = Block(user=user, reason=reason, by=by, at=now, until=until)
        await self._table.block(scope, block)
        return block

    async def unblock(self, scope: str, user: str) -> bool:
        """Take a block back; whether there was one."""
        return await self._table.unblock(scope, user)

    async def blocked(self, scope: str, user: str) -> Block | None:
        """The block of that person that holds now, if there is one."""
        return await self._table.blocked(scope, user)

    async def note(self, scope: str, by: str, what: str) -> None:
        """Write down what somebody did to keep order."""
        await self._table.note(scope, by, what)

    async def audit_entries(self, scope: str, most: int) -> list[AuditEntry]:
        """What was written down, newest first."""
        return await self._table.audit_entries(scope, most)

    async def words(self, scope: str) -> tuple[str, ...]:
        """The words that `scope` does not want in prompts, in the form in which they compare."""
        return _words(await self._preferences.get(scope, BLOCKED))

    async def reviewed_words(self, scope: str) -> tuple[str, ...]:
        """The words at which a moderator of `scope` looks first, in the same form."""
        return _words(await self._preferences.get(scope, REVIEWED))

    async def block_word(self, scope: str, word: str) -> str:
        """Want a word no more; the form in which it compares.

        Raises:
            InvalidRequest: When nothing is left of it, or there are too many.
        """
        return await self._add(scope, word, BLOCKED, instead_of=REVIEWED)

    async def review_word(self, scope: str, word: str) -> str:
        """Have a moderator look at prompts with a word first; otherwise like `block_word`."""
        return await self._add(scope, word, REVIEWED, instead_of=BLOCKED)

    async def allow_word(self, scope: str, word: str) -> bool:
        """Let a word be used again; whether it was blocked or looked at."""
        plain = normalised(word)
        return any([await self._remove(scope, plain, key) for key in (BLOCKED, REVIEWED)])

    async def _add(self, scope: str, word: str, key: str, *, instead_of: str) -> str:
        plain = normalised(word)
        if not plain:
            raise InvalidRequest(say("That has no letters to match. Enter a word."))

        def added(kept: str | None) -> str:
            words = {*_words(kept), plain}
            if len(words) > MAX_WORDS:
                raise InvalidRequest(
                    say("There are already {most} words. Remove one first.", most=MAX_WORDS)
                )
            return _kept(words)

        await self._preferences.change(scope, key, added)
        await self._remove(scope, plain, instead_of)
        return plain

    async def _remove(self, scope: str, plain: str, key: str) -> bool:
        before: tuple[str, ...] = ()

        def removed(kept: str | None) -> str:
            nonlocal before
            before = _words(kept)
            return _kept({*before} - {plain})

        await self._preferences.change(scope, key, removed)
        return plain in before

    async def check(self, scope: str, *requests: ImageRequest) -> None:
        """Raises `InvalidRequest` when a prompt has a word that `scope` does not want.

        Brackets that weigh words are looked through: `bl(oo)d` is painted as it is read.
        """
        if not (words := await self.words(scope)):
            return
        asked = {
            phrase("prompt"): {request.prompt for request in requests},
            phrase("negative prompt"): {request.negative_prompt for request in requests},
        }
        for name, texts in asked.items():
            if await asyncio.to_thread(_offend, words, texts):
                raise InvalidRequest(
                    say(
                        "Your {name} contains a word that isn't allowed in this server. "
                        "Rephrase it, or ask someone who manages the server.",
                        name=say(name),
                    )
                )

    async def check_reviewed(self, scope: str, requests: Iterable[ImageRequest]) -> None:
        """Raises `NeedsReview` when a moderator of `scope` has to look at one of them first."""
        if not (words := await self.reviewed_words(scope)):
            return
        prompts = {text for each in requests for text in (each.prompt, each.negative_prompt)}
        if found := await asyncio.to_thread(_found, words, prompts):
            raise NeedsReview(
                say(
                    "Your prompt contains a word that a moderator of this server must review "
                    "first. Use `/imagine` to send it for review."
                ),
                found,
            )


def _words(kept: str | None) -> tuple[str, ...]:
    return tuple(json.loads(kept or "[]"))


def _kept(words: Iterable[str]) -> str:
    return json.dumps(sorted(words), ensure_ascii=False)


def _offend(words: Collection[str], texts: Iterable[str]) -> bool:
    """Whether one of the words is in one of the texts."""
    return has_any(words, *(reading for text in texts for reading in _readings(text)))


def _found(words: Collection[str], prompts: Iterable[str]) -> tuple[str, ...]:
    """The words that are in one of the prompts."""
    return those_in(words, *(reading for text in prompts for reading in _readings(text)))


def _readings(text: str) -> tuple[str, ...]:
    """The text as it is written, as it is painted, and without the brackets that weigh words."""
    painted, _ = without_adapters(text)
    return text, painted, _unweighted(painted)


def _unweighted(prompt: str) -> str:
    """The prompt without the brackets that weigh its words."""
    return " ".join("".join(piece.text for piece in section) for section in sections(prompt))
