"""Counts what passes between the bot and Discord: requests, rate limits, deliveries."""

from collections import Counter
from typing import Any

import aiohttp

RATE_LIMITED = 429

STATUSES = ("2xx", "4xx", "5xx", "none")
"""What is counted from the start, so that a graph of it begins at zero."""

FAILURES = ("unreachable", "rejected", "retried")
"""Why an outcome wasn't shown: its place is gone, Discord refuses it, or it is tried again."""


class Traffic:
    """Numbers since the start.

    Attributes:
        responses: Discord's answers to HTTP requests, by status class such as `2xx`; `none` for
            requests without one.
        rate_limited: How many of the answers told to wait.
        deliveries: Outcomes of jobs and grids that were shown.
        delivery_failures: Attempts to show one that failed, by reason.
    """

    def __init__(self) -> None:
        self.responses: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
        self.rate_limited = 0
        self.deliveries = 0
        self.delivery_failures: Counter[str] = Counter(dict.fromkeys(FAILURES, 0))

    def trace(self) -> aiohttp.TraceConfig:
        """What counts the requests of an HTTP session."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._unanswered)
        return trace

    def count_retry(self) -> None:
        """An outcome couldn't be shown, and is tried again."""
        self.delivery_failures["retried"] += 1

    async def _answered(
        self, session: aiohttp.ClientSession, context: Any, end: aiohttp.TraceRequestEndParams
    ) -> None:
        status = end.response.status
        self.responses[f"{status // 100}xx"] += 1
        self.rate_limited += status == RATE_LIMITED

    async def _unanswered(self, *_: object) -> None:
        self.responses["none"] += 1
