"""The cluster's connection to the NATS server, which is replaced when it's closed for good."""

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType

from engine.cluster.bot.cluster import Cluster
from engine.cluster.errors import ClusterError
from engine.cluster.protocol.subjects import BOT_INBOX
from engine.cluster.server.connection import connected
from engine.cluster.server.keys import Key
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""Seconds between two tries to reach a server that has closed the connection for good."""


class KeptConnection:
    """Has a cluster connected. Use it as an async context manager."""

    def __init__(self, cluster: Cluster, url: str, key: Key, certificate: str | None) -> None:
        """Take the server's address, the bot's key, and the certificate (PEM) to be trusted."""
        self._cluster = cluster
        self._url = url
        self._key = key
        self._certificate = certificate
        self._lost = asyncio.Event()
        self._connection = AsyncExitStack()
        self._tasks = Tasks()

    async def __aenter__(self) -> None:
        """Connect. Raises `ClusterError` when the server can't be reached, or refuses."""
        await self._connect()
        self._tasks.start(self._connect_again(), "connect to the NATS server again")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Part from all workers, and close the connection."""
        await self._tasks.cancel()
        await self._cluster.stop()
        await self._connection.aclose()

    async def _connect(self) -> None:
        from nats.errors import Error

        self._lost.clear()
        try:
            client = await self._connection.enter_async_context(
                connected(
                    self._url,
                    self._key.seed,
                    BOT_INBOX,
                    certificate=self._certificate,
                    on_fatal=self._on_fatal,
                )
            )
            await self._cluster.start(client)
        except BaseException as error:
            await self._connection.aclose()
            if isinstance(error, Error):
                raise ClusterError(
                    say(
                        "The NATS server at {url} refuses: {reason}.",
                        url=self._url,
                        reason=str(error),
                    )
                ) from error
            raise

    def _on_fatal(self, error: ClusterError) -> None:
        log.error("There are no workers for now: %s", error)
        self._lost.set()

    async def _connect_again(self) -> None:
        while True:
            await self._lost.wait()
            try:
                await self._cluster.disconnect()
                await self._connection.aclose()
                await self._connect()
                log.info("Connected to the NATS server anew; workers may come again")
            except Exception as error:  # whatever it is, the next try may do better
                log.error("There are no workers for now: %r", error)
                self._lost.set()
                await asyncio.sleep(AGAIN_SECONDS)
