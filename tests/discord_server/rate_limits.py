"""Rate limits per route and channel, in windows, the way Discord counts."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import NamedTuple

from .routes import Route


class Limit(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: float


SEND = EDIT = Limit(5, 5.0)
WEBHOOK = Limit(5, 2.0)
OTHERS = Limit(50, 1.0)
LIMITS = {
    ("POST", "/channels/{channel_id}/messages"): SEND,
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): EDIT,
}
MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")


@dataclass(slots=True)
class Window:
    """One bucket's present window."""

    opened: float
    used: int = 0


class RateLimits:
    """Counts requests by route and major parameters.

    Attributes:
        speed: By how much its windows are shorter than Discord's.
    """

    def __init__(self) -> None:
        self.speed = 1.0
        self._windows: dict[str, Window] = {}

    def take(
        self, route: Route, params: dict[str, str], now: float
    ) -> tuple[dict[str, str], float | None]:
        """Count a request: the headers for its answer, and how long to wait if it is too many."""
        if route.path.startswith("/interactions/"):
            return {}, None
        webhook = route.path.startswith("/webhooks/")
        limit = WEBHOOK if webhook else LIMITS.get((route.method, route.path), OTHERS)
        seconds = limit.seconds / self.speed
        name = "webhook" if webhook else f"{route.method} {route.path}"
        major = "+".join(params[key] for key in MAJOR if key in params)
        key = f"{name}:{major}"
        window = self._windows.get(key)
        if window is None or now >= window.opened + seconds:
            window = self._windows[key] = Window(now)
        left = window.opened + seconds - now
        exceeded = window.used >= limit.requests
        window.used += not exceeded
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(limit.requests - window.used),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(name.encode()).hexdigest(),
        }
        return headers, left if exceeded else None
