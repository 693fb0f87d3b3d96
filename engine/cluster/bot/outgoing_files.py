"""Files for a worker: put into its bucket of the object store when it asks for one that it lacks.

A worker keeps what it has fetched, by hash. So a file travels once to each worker, and lies in its
bucket only until it has it.
"""

import asyncio
import base64
import contextlib
import logging
from collections import Counter, OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cluster.protocol.parts import PART_BYTES, State
from engine.cluster.protocol.subjects import bucket_of
from engine.tasks import Tasks

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.object_store import ObjectStore

log = logging.getLogger(__name__)

LIFETIME = 3600
"""Seconds after which a file that nobody has fetched is gone from its bucket."""

MOST_KNOWN = 2000
"""Files that a worker may still ask for."""

MOST_FAILURES = 3
"""How often sending a file may fail, such as for a full disk, until its job goes elsewhere."""


class OutgoingFiles:
    """The bucket of one worker. It gets the files of its jobs, and no others."""

    def __init__(self, worker: str, js: "JetStreamContext") -> None:
        self._bucket = bucket_of(worker)
        self._js = js
        self._store: ObjectStore | None = None
        self._known: OrderedDict[str, Path] = OrderedDict()
        self._coming: dict[str, asyncio.Task[None]] = {}
        self._ready: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._tasks = Tasks()

    async def open(self) -> None:
        """Make the bucket anew: what was left there is gone. Raises `Error` of NATS."""
        from nats.js.errors import NotFoundError

        with contextlib.suppress(NotFoundError):
            await self._js.delete_object_store(self._bucket)
        self._store = await self._js.create_object_store(self._bucket, ttl=LIFETIME)

    def allow(self, digest: str, file: Path) -> None:
        """The worker has a job that needs this file."""
        self._known[digest] = file
        self._failures.pop(digest, None)
        self._known.move_to_end(digest)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def state(self, digest: str) -> State:
        """Where a file is that the worker has asked for; it is put into the bucket if need be."""
        if digest in self._coming:
            return "coming"
        if digest in self._ready:
            self._ready.discard(digest)
            if await self._is_there(digest):
                self._ready.add(digest)
                return "ready"
        file = self._known.get(digest)
        if (
            file is None
            or self._failures[digest] >= MOST_FAILURES
            or not await asyncio.to_thread(file.is_file)
        ):
            return "gone"
        if digest in self._coming:  # it was asked for again in the meantime
            return "coming"
        self._coming[digest] = self._tasks.start(self._put(digest, file), f"send {digest[:8]}")
        return "coming"

    async def remove(self, digest: str) -> None:
        """The worker has the file now."""
        from nats.errors import Error

        if digest in self._ready and self._store is not None:
            self._ready.discard(digest)
            with contextlib.suppress(Error):  # it's gone after a while by itself
                await self._store.delete(digest)

    async def close(self) -> None:
        """Send nothing more."""
        await self._tasks.cancel()

    async def _is_there(self, digest: str) -> bool:
        from nats.errors import Error

        assert self._store is not None, "the bucket is open"
        try:
            await self._store.get_info(digest)
        except Error:
            return False
        return True

    async def _put(self, digest: str, file: Path) -> None:
        from nats.errors import Error
        from nats.js.api import ObjectMeta, ObjectMetaOptions

        assert self._store is not None, "the bucket is open"
        try:
            options = ObjectMetaOptions(max_chunk_size=PART_BYTES)
            stream = await asyncio.to_thread(file.open, "rb")
            try:
                info = await self._store.put(digest, stream, ObjectMeta(options=options))
            finally:
                stream.close()
            if base64.urlsafe_b64decode((info.digest or "").partition("=")[2]).hex() != digest:
                self._known.pop(digest, None)  # it has changed since
                await self._store.delete(digest)
                return
            self._ready.add(digest)
        except (OSError, Error) as error:
            self._failures[digest] += 1
            log.warning("A file couldn't be sent to a worker: %s", error)
        finally:
            del self._coming[digest]
