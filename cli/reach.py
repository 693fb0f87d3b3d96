"""Waiting for the network: at boot, the bot can start before it's there."""

import asyncio
import logging
from contextlib import suppress
from urllib.parse import urlsplit

from cogs.discord_settings import DiscordSettings

log = logging.getLogger("atelier")

CONNECT_SECONDS = 15.0
"""How long a try to connect may take."""

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds between tries: doubled after each, up to the longest."""


async def discord_reached(settings: DiscordSettings, stop: asyncio.Event) -> bool:
    """Wait until something answers at the address of Discord's API, or at the proxy's.

    Returns:
        `False` if `stop` was set meanwhile.
    """
    host, port = address_of(settings.proxy or settings.api_url)
    seconds = FIRST_WAIT
    while not stop.is_set():
        trying = asyncio.ensure_future(_reason_against(host, port))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([trying, stopping], return_when=asyncio.FIRST_COMPLETED)
        if trying.done() and (reason := trying.result()) is None:
            stopping.cancel()
            return True
        if not trying.done():
            trying.cancel()
            return False
        log.warning(
            "Can't reach Discord (%s:%d): %s. Trying again in %d seconds",
            host,
            port,
            reason,
            seconds,
        )
        await asyncio.wait([stopping], timeout=seconds)
        stopping.cancel()
        seconds = min(2 * seconds, LONGEST_WAIT)
    return False


def address_of(url: str) -> tuple[str, int]:
    """The host and port of an address on the web."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _reason_against(host: str, port: int) -> str | None:
    """Why a connection fails; `None` if it doesn't."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_SECONDS)
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None
