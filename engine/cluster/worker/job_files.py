"""The files of a worker's jobs: from its cache, or asked for and fetched."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from engine.cluster.errors import ClusterError
from engine.cluster.protocol.messages import FileState, HaveFile, NeedFile
from engine.cluster.protocol.parts import FileRef
from engine.cluster.worker.bot_link import BotLink
from engine.cluster.worker.file_cache import FileCache
from speech import say

POLL_SECONDS = 0.2
MOST_TRIES = 3


class JobFiles:
    """Has the files of jobs on this machine, each fetched once."""

    def __init__(
        self,
        link: BotLink,
        cache: FileCache,
        in_use: Callable[[], Collection[Path]],
    ) -> None:
        """Take the line to the bot, where files are kept, and which of them jobs are using."""
        self._link = link
        self._cache = cache
        self._in_use = in_use
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def fetch(self, refs: Sequence[FileRef]) -> dict[str, Path]:
        """Where the files are, by their hashes; missing ones are fetched first.

        Raises:
            ClusterError: When the bot doesn't have one any more, or sends another one.
            StorageError: When the disk is full or refuses.
        """
        fetched = False
        for ref in refs:
            async with self._locks[ref.hash]:
                if not await asyncio.to_thread(self._cache.has, ref):
                    await self._fetch(ref)
                    fetched = True
        self._locks.clear()
        found = {ref.hash: self._cache.path(ref) for ref in refs}
        if fetched:
            keep = {*self._in_use(), *found.values()}
            await asyncio.to_thread(self._cache.make_room, keep)
        return found

    async def _fetch(self, ref: FileRef) -> None:
        from nats.errors import Error

        failure: ClusterError | None = None
        for _ in range(MOST_TRIES):
            await self._wait_until_ready(ref)
            try:
                await self._cache.fetch(ref, self._link.name, self._link.client.jetstream())
            except ClusterError as error:
                self._link.refusals.count("the bot", "another file")
                failure = error
            except Error as error:
                failure = ClusterError(
                    say("A file couldn't be fetched from the bot: {reason}.", reason=str(error))
                )
            else:
                await self._link.tell(HaveFile(hash=ref.hash))
                return
        assert failure is not None, "only failures lead here"
        raise failure

    async def _wait_until_ready(self, ref: FileRef) -> None:
        epoch = self._link.epoch
        while True:
            answer = await self._link.insist(
                NeedFile(hash=ref.hash), lambda: self._link.epoch == epoch
            )
            state = answer.state if isinstance(answer, FileState) else "gone"
            if state == "ready":
                return
            if state == "gone":
                raise ClusterError(say("The bot doesn't have a file of the job any more."))
            await asyncio.sleep(POLL_SECONDS)
