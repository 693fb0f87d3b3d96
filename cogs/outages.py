"""An outage of Discord in the log: a line a minute at most, and no tracebacks."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import aiohttp
import discord

INTERVAL = 60.0
"""Seconds between two lines about an outage."""

OUTAGES = (
    discord.DiscordServerError,
    discord.GatewayNotFound,
    discord.ConnectionClosed,
    aiohttp.ClientError,
    ConnectionError,
    asyncio.TimeoutError,
)
"""What is raised when Discord has a problem, or can't be reached."""


class OutageFilter(logging.Filter):
    """Leaves one line a minute of what is logged about an outage; add it to all handlers.

    discord.py logs a traceback whenever a connection fails, and every message that waits for
    Discord reports each attempt.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._next = 0.0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log the record, for each handler that asks; an outage's is made short."""
        kept = getattr(record, "kept", None)
        if kept is None:
            record.kept = kept = self._is_kept(record)
        return bool(kept)

    def _is_kept(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(("discord.", "cogs.")):
            return True
        error = next((each for each in _errors(record) if isinstance(each, OUTAGES)), None)
        if error is None:
            return True
        now = self._clock()
        if now < self._next:
            self._left_out += 1
            return False
        reason = str(error) or type(error).__name__
        text = record.getMessage()
        record.msg = "Discord doesn't answer: %s"
        record.args = (text if reason in text else f"{text}: {reason}",)
        if self._left_out:
            record.msg += " (%d more before)"
            record.args += (self._left_out,)
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        self._next, self._left_out = now + INTERVAL, 0
        return True


def _errors(record: logging.LogRecord) -> Iterator[object]:
    """The exceptions that a record is about."""
    if record.exc_info:
        yield record.exc_info[1]
    if isinstance(record.args, tuple):
        yield from record.args
