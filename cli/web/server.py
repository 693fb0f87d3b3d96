"""Serves the page from the bot's event loop."""

import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from cli.web.app import WebApp
from cli.web.connection import Connection
from cli.web.settings import WebSettings
from cli.web.sources import Sources
from engine import Tasks

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 256
"""At the same time; others are told to come later."""

MAX_HEADERS = 16 * 1024
"""Bytes of a request before its body."""

STOP_SECONDS = 2
"""How long answers may take when the bot stops."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the program around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Don't."""
        yield


@asynccontextmanager
async def serve(settings: WebSettings, sources: Sources) -> AsyncIterator[str | None]:
    """Serve the page while this is entered, if the settings say where.

    Yields:
        The address of the health check on this machine; `None` if there is none. When the port is
        taken, that is in the log, and the bot goes on without the page.
    """
    if settings.listen is None:
        yield None
        return
    try:
        listening = _listen(*settings.address)
    except OSError as error:
        log.error(
            "There is no page: %s can't be listened on (%s). Is another program there? Choose "
            "another [web] listen.",
            settings.listen,
            error.strerror or error,
        )
        yield None
        return
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    names = {shown, settings.address[0].lower()}
    app = WebApp(sources, token=settings.plain_token, own_names=names)
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,
            date_header=False,
            h11_max_incomplete_event_size=MAX_HEADERS,
            http=Connection,
            lifespan="off",
            limit_concurrency=MAX_CONNECTIONS,
            log_config=None,
            log_level="error",  # it warns of each request that is none, and strangers send many
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            ws="none",
        )
    )
    app.start()
    tasks = Tasks()
    tasks.start(server.serve([listening]), "serve the owner's page")
    log.info("The page is at http://%s:%d", shown, port)
    try:
        yield f"http://{_reachable(shown)}:{port}/healthz"
    finally:
        server.should_exit = True
        await app.stop()
        await tasks.join()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `OSError`."""
    [family, kind, protocol, _, address], *_ = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    )
    listening = socket.socket(family, kind, protocol)
    try:
        if not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # of Windows, where reusing means sharing
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _reachable(host: str) -> str:
    """The host by which this machine reaches itself where everything is listened on."""
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
