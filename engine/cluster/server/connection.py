"""The connection to the NATS server: it comes back by itself, unless the key is refused."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.cluster.errors import ClusterError, ConnectionLost, KeyRefused, NoEncryption
from engine.cluster.server.certificate import HOST_NAME, trusting
from speech import say

if TYPE_CHECKING:
    from nats.aio.client import Client

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
RECONNECT_WAIT = 0.5
CLOSE_SECONDS = 2
PING_INTERVAL = 5
"""Seconds after which a connection without an answer is given up, twice over."""

REFUSALS = 6
"""How often a key may be refused before it counts: a server that starts may not know it yet."""


def say_refused() -> KeyRefused:
    """The error when the server doesn't know the key."""
    return KeyRefused(
        say(
            "The bot doesn't accept this key, or no longer. Ask its owner for a new invitation: "
            "`python bot.py worker invite NAME`."
        )
    )


class _Troubles:
    """Logs what goes wrong with a connection, once each time; knows what can't get better.

    Attributes:
        fatal: Has an error as its result as soon as there is one that waiting doesn't help against.
    """

    def __init__(self, url: str) -> None:
        self.fatal: asyncio.Future[ClusterError] = asyncio.get_running_loop().create_future()
        self._url = url
        self._refusals = 0
        self._last = ""

    async def take(self, error: Exception) -> None:
        text = str(error) or type(error).__name__
        if "authorization violation" in text.lower():
            self._refusals += 1
            if self._refusals == REFUSALS:
                self._give_up(say_refused())
        elif isinstance(error, ssl.SSLCertVerificationError):
            self._give_up(
                ClusterError(
                    say("The NATS server at {url} has another certificate.", url=self._url)
                )
            )
        elif isinstance(error, NoEncryption):
            self._give_up(
                ClusterError(say("The server at {host} doesn't speak TLS.", host=self._url))
            )
        elif "permissions violation" in text.lower():
            log.error("The NATS server doesn't allow it: %s", text)
        elif text != self._last:
            log.warning("The connection to the NATS server: %s", text)
        self._last = text

    async def closed(self) -> None:
        """The client has closed the connection, which it does after errors of the protocol."""
        self._give_up(
            ConnectionLost(say("The NATS server at {url} can't be reached.", url=self._url))
        )

    def _give_up(self, error: ClusterError) -> None:
        if not self.fatal.done():
            self.fatal.set_result(error)

    async def settled(self) -> None:
        self._refusals, self._last = 0, ""
        log.info("Connected to the NATS server again")


@asynccontextmanager
async def connected(
    url: str,
    seed: str,
    inbox: str,
    *,
    certificate: str | None = None,
    on_fatal: Callable[[ClusterError], None] = lambda error: None,
    on_reconnect: Callable[[], None] = lambda: None,
) -> AsyncIterator["Client"]:
    """A connection, which comes back whenever it's lost, until this is left.

    Args:
        url: The server's address.
        seed: The secret of the key.
        inbox: How the subjects begin on which answers come.
        certificate: The server's own one (PEM), if it has made it itself.
        on_fatal: Called when it can't come back, such as when the key is refused later on.
        on_reconnect: Called when the connection is back.

    Raises:
        KeyRefused: When the server doesn't know the key.
        ConnectionLost: When the server can't be reached.
        ClusterError: When it isn't the one with that certificate.
    """
    from engine.cluster.server.encrypted_client import EncryptedClient

    troubles = _Troubles(url)

    def when_fatal(fatal: "asyncio.Future[ClusterError]") -> None:
        if not fatal.cancelled():
            on_fatal(fatal.result())

    troubles.fatal.add_done_callback(when_fatal)

    async def reconnected() -> None:
        await troubles.settled()
        on_reconnect()

    tls: ssl.SSLContext | None = None
    if certificate is not None:
        tls = trusting(certificate)
    elif url.startswith("tls://"):
        tls = ssl.create_default_context()
    client = EncryptedClient()
    connecting = asyncio.create_task(
        client.connect(
            url,
            nkeys_seed_str=seed,
            inbox_prefix=inbox,
            tls=tls,
            tls_hostname=HOST_NAME if certificate is not None else None,
            error_cb=troubles.take,
            reconnected_cb=reconnected,
            closed_cb=troubles.closed,
            connect_timeout=CONNECT_SECONDS,
            reconnect_time_wait=RECONNECT_WAIT,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            ping_interval=PING_INTERVAL,
        )
    )
    try:
        await _first(connecting, troubles.fatal, url)
        yield client
    finally:
        connecting.cancel()
        troubles.fatal.cancel()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await client.close()


async def _first(
    connecting: "asyncio.Task[None]", fatal: "asyncio.Future[ClusterError]", url: str
) -> None:
    """Wait for the first connection. Raises as `connected`."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            both: set[asyncio.Future[Any]] = {connecting, fatal}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        raise ConnectionLost(say("The NATS server at {url} can't be reached.", url=url)) from None
    if fatal.done():
        raise fatal.result()
    await connecting
