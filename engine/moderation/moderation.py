"""Moderation of each scope, such as a server: blocked people, word lists and the audit log."""

import time

from engine.errors import InvalidRequest
from engine.moderation.block import Block
from engine.moderation.word_filter import normalize
from engine.moderation.word_lists import (
    BLOCKED,
    REVIEWED,
    WordLists,
    words_from_json,
    words_to_json,
)
from engine.store import AuditEntry, ModerationTable, Preferences, ReviewTable
from speech import say

MAX_WORDS = 200
"""Words on one list of a scope."""

DAY = 24 * 3600.0


class Moderation:
    """Reads and changes blocks and word lists, and keeps the audit log.

    Attributes:
        reviews: Requests that wait for a moderator.
    """

    def __init__(
        self, table: ModerationTable, preferences: Preferences, reviews: ReviewTable
    ) -> None:
        self._table = table
        self._preferences = preferences
        self.reviews = reviews

    async def block(
        self, scope: str, user: str, *, by: str, reason: str, days: int | None = None
    ) -> Block:
        """Block a person in `scope` for `days`, or until the block is lifted."""
        now = time.time()
        until = now + days * DAY if days is not None else None
        block = Block(user=user, reason=reason, by=by, at=now, until=until)
        await self._table.block(scope, block)
        return block

    async def unblock(self, scope: str, user: str) -> bool:
        """Lift a block; whether there was one."""
        return await self._table.unblock(scope, user)

    async def blocked(self, scope: str, user: str) -> Block | None:
        """The person's block in `scope`, if one is in force."""
        return await self._table.blocked(scope, user)

    async def add_audit_entry(self, scope: str, by: str, what: str) -> None:
        """Record what a moderator did."""
        await self._table.add_audit_entry(scope, by, what)

    async def audit_entries(self, scope: str, limit: int) -> list[AuditEntry]:
        """The latest entries of the audit log, newest first."""
        return await self._table.audit_entries(scope, limit)

    async def word_lists(self, scope: str) -> WordLists:
        """The words that `scope` blocks or has reviewed."""
        [preferences] = await self._preferences.of(scope)
        return WordLists.from_preferences(preferences)

    async def block_word(self, scope: str, word: str) -> str:
        """Block a word; returns the form in which it is compared.

        Raises:
            InvalidRequest: When nothing of the word is left to compare, or the list is full.
        """
        return await self._add(scope, word, BLOCKED, other_list=REVIEWED)

    async def review_word(self, scope: str, word: str) -> str:
        """Have prompts with a word reviewed first; otherwise like `block_word`."""
        return await self._add(scope, word, REVIEWED, other_list=BLOCKED)

    async def allow_word(self, scope: str, word: str) -> bool:
        """Take a word off both lists; whether it was on one."""
        plain = normalize(word)
        return any([await self._remove(scope, plain, key) for key in (BLOCKED, REVIEWED)])

    async def _add(self, scope: str, word: str, key: str, *, other_list: str) -> str:
        plain = normalize(word)
        if not plain:
            raise InvalidRequest(say("That has no letters to match. Enter a word."))

        def added(stored: str | None) -> str:
            words = {*words_from_json(stored), plain}
            if len(words) > MAX_WORDS:
                raise InvalidRequest(
                    say("There are already {most} words. Remove one first.", most=MAX_WORDS)
                )
            return words_to_json(words)

        await self._preferences.change(scope, key, added)
        await self._remove(scope, plain, other_list)
        return plain

    async def _remove(self, scope: str, plain: str, key: str) -> bool:
        before: tuple[str, ...] = ()

        def removed(stored: str | None) -> str:
            nonlocal before
            before = words_from_json(stored)
            return words_to_json({*before} - {plain})

        await self._preferences.change(scope, key, removed)
        return plain in before
