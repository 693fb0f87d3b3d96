"""Keeps order in each scope, such as a server: who is blocked, which words, and who did what."""

import asyncio
import json
import time
from collections.abc import Collection

from engine.errors import InvalidRequest
from engine.prompts import sections, without_adapters
from engine.requests import ImageRequest
from engine.store import Block, Deed, ModerationTable, Preferences
from engine.words import has_any, normalised

WORDS = "blocked_words"
MAX_WORDS = 200
DAY = 24 * 3600.0


class Keeper:
    """Reads and writes what order needs, and holds requests against it."""

    def __init__(self, table: ModerationTable, preferences: Preferences) -> None:
        self._table = table
        self._preferences = preferences

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

    async def deeds(self, scope: str, most: int) -> list[Deed]:
        """What was written down, newest first."""
        return await self._table.deeds(scope, most)

    async def words(self, scope: str) -> tuple[str, ...]:
        """The words that `scope` does not want in prompts, in the form in which they compare."""
        return tuple(json.loads(await self._preferences.get(scope, WORDS) or "[]"))

    async def block_word(self, scope: str, word: str) -> str:
        """Want a word no more; the form in which it compares.

        Raises:
            InvalidRequest: When nothing is left of it, or there are too many.
        """
        known, plain = await self.words(scope), normalised(word)
        if not plain:
            raise InvalidRequest("That has no letters that could be compared: write a word.")
        if plain not in known and len(known) >= MAX_WORDS:
            raise InvalidRequest(f"There are {MAX_WORDS} words already: remove one first.")
        await self._keep(scope, {*known, plain})
        return plain

    async def allow_word(self, scope: str, word: str) -> bool:
        """Let a word be used again; whether it was blocked."""
        known, plain = await self.words(scope), normalised(word)
        await self._keep(scope, {*known} - {plain})
        return plain in known

    async def _keep(self, scope: str, words: set[str]) -> None:
        await self._preferences.set(scope, WORDS, json.dumps(sorted(words), ensure_ascii=False))

    async def check(self, scope: str, request: ImageRequest) -> None:
        """Raises `InvalidRequest` when a prompt has a word that `scope` does not want.

        Brackets that weigh words are looked through: `bl(oo)d` is painted as it is read.
        """
        if not (words := await self.words(scope)):
            return
        asked = {"prompt": request.prompt, "negative prompt": request.negative_prompt}
        for name, text in asked.items():
            if await asyncio.to_thread(_offends, words, text):
                raise InvalidRequest(
                    f"Your {name} has a word that is not allowed in this server. Say it in other "
                    "words, or ask somebody who manages the server."
                )


def _offends(words: Collection[str], text: str) -> bool:
    """Whether one of the words is in the text, as it is written or as it is painted."""
    painted, _ = without_adapters(text)
    return has_any(words, text, painted, _unweighted(painted))


def _unweighted(prompt: str) -> str:
    """The prompt without the brackets that weigh its words."""
    return " ".join("".join(piece.text for piece in section) for section in sections(prompt))
