"""The page while somebody looks at it: sections are sent again as soon as they change.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cli.web.page import Page

MAX_READERS = 20
"""Pages that are kept up to date at the same time; others are told to come later."""

INTERVAL = 1.0
"""Seconds between two looks at what has changed."""

SILENCE = 15.0
"""Seconds after which something is sent if nothing has changed, to learn who is gone."""

LIFETIME = 600.0
"""Seconds after which a browser has to ask again; one that doesn't read what it asked for is gone
then."""


class Live:
    """Sends changes to everybody who looks at the page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._readers = 0
        self._closing = asyncio.Event()

    def response(self, language: str) -> Response:
        """The stream for one more reader, in that language, unless there are too many."""
        if self._readers >= MAX_READERS or self._closing.is_set():
            text = "Too many pages are kept up to date. Close some, or reload this one by hand."
            return PlainTextResponse(text, 503, {"Retry-After": "30"})
        return _Stream(self, language)

    def close(self) -> None:
        """End all streams."""
        self._closing.set()

    async def events(self, language: str) -> AsyncGenerator[str, None]:
        """The events for one reader: at first all sections, then those that have changed."""
        sent: Mapping[str, str] = {}
        quiet = 0.0
        yield "retry: 3000\n\n"
        while not self._closing.is_set():
            sections = await self._page.sections(language)
            changed = {name: html for name, html in sections.items() if sent.get(name) != html}
            sent = sections
            quiet = 0.0 if changed else quiet + INTERVAL
            if changed:
                yield f"event: sections\ndata: {json.dumps(changed)}\n\n"
            elif quiet >= SILENCE:
                yield ": nothing new\n\n"
                quiet = 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._closing.wait()

    def enter(self) -> None:
        """One more reader."""
        self._readers += 1

    def leave(self) -> None:
        """One reader less."""
        self._readers -= 1


class _Stream(StreamingResponse):
    """A stream that ends after `LIFETIME`, also if nobody reads it."""

    def __init__(self, live: Live, language: str) -> None:
        super().__init__(
            live.events(language),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        self._live.enter()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LIFETIME):
                    await super().__call__(scope, receive, send)
        finally:
            self._live.leave()
