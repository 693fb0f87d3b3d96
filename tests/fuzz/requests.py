"""Requests for the owner's page: paths, hosts, origins, cookies, tokens, languages."""

import asyncio
from typing import Any

from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from cli.web.access import Access, Reason, Refusals
from cli.web.guard import COOKIE, HEADERS, LOCAL_NAMES, OPEN_TO_ALL, Guard
from cli.web.page import language_of
from speech import LANGUAGES
from tests.fuzz.target import Target

TOKEN = "correct-horse-battery-staple"

PARTS = (
    *("127.0.0.1", "localhost", "[::1]", ":8722", ":", "[", "]", "@", "http://", "null", "?", "#"),
    *("Bearer ", "bearer", TOKEN, COOKIE, "=", "; ", ".", "9999999999", "zh-CN", "en;q=0.5", ","),
    *("/", "/login", "/healthz", "/static/page.css", "..", "cross-site", "same-origin", "evil.x"),
)
VALUES = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=8).map("".join)
NAMES = st.sampled_from(
    ("host", "origin", "cookie", "authorization", "accept-language", "sec-fetch-site")
)
REQUESTS = st.tuples(
    st.sampled_from((*OPEN_TO_ALL, "/", "/metrics")) | VALUES,
    st.lists(st.tuples(NAMES, VALUES), max_size=6),
)


class Quick(Access):
    """Wrong tokens are refused at once."""

    async def refuse(self) -> Reason:
        return "token"


def check(request: tuple[str, list[tuple[str, str]]]) -> None:
    """The page is reached by those who may see it alone, and every answer has its headers."""
    path, headers = request
    raw = [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw}
    hosts = [value for name, value in headers if name == "host"]
    for token in (None, TOKEN):
        reached = asyncio.run(_reaches(scope, token))
        if not reached:
            continue
        if token is None:
            assert len(hosts) == 1
            assert hosts[0].lower().startswith(tuple(LOCAL_NAMES))
        else:
            assert path in OPEN_TO_ALL or any(TOKEN in value for _, value in headers)
    assert language_of(" ".join(value for _, value in headers)) in LANGUAGES


async def _reaches(scope: dict[str, Any], token: str | None) -> bool:
    """Whether a request gets through to the page."""
    reached, sent = False, list[Message]()

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal reached
        reached = True
        await PlainTextResponse("the page")(scope, receive, send)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    refusals = Refusals()
    await Guard(page, Quick(token, refusals), refusals, ())(scope, receive, send)
    names = {name.decode().lower() for name, _ in sent[0]["headers"]}
    assert {name.lower() for name in HEADERS} <= names
    assert sent[0]["status"] in (200, 303, 401, 403, 414, 421)
    return reached


TARGETS = (Target("requests for the page", REQUESTS, check),)
