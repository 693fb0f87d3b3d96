"""The door of the page: what other sites, other names of this machine and strangers ask for.

Pages of other sites can make a browser send requests, and names can be made to lead to this machine
(DNS rebinding). Neither may read anything here, nor may be shown inside another page.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cli.web.access import Access, Reason, Refusals

COOKIE = "atelier_session"

LOGIN = "/login"

OPEN_TO_ALL = ("/healthz", LOGIN, "/static/page.css", "/static/icon.svg")
"""What needs no token: nothing of members is in it."""

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a browser on this machine calls it."""

OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers that proxies add: who asks isn't on this machine, whatever the request is for."""

MAX_PATH = 100
"""Characters; numbers in longer ones can't be read."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer; https://owasp.org/www-project-secure-headers/. With the policy `no-referrer`,
browsers would send our own forms from the origin `null`, which is foreign."""

WRONG_HOST = "The page doesn't go by this name. Open it by its address, or set [web] token."
THROUGH_PROXY = "Through a proxy the page needs a token. Set [web] token."
WRONG_ORIGIN = "Other sites can't read this page."
NO_TOKEN = "Send the token of [web] as “Authorization: Bearer …”."
WRONG_TOKEN = "This isn't the token of [web]."
TOO_MANY = "Too many wrong tokens at once. Try again in a moment."


class Guard:
    """Lets requests through to the page, or answers them.

    Their path is taken as it was sent: in `request.url`, the header `Host` can pretend another one.
    """

    def __init__(
        self, app: ASGIApp, access: Access, refusals: Refusals, own_names: Collection[str]
    ) -> None:
        """Guard `app`.

        Args:
            app: The page.
            access: Who may see it.
            refusals: Counts what is refused.
            own_names: Hosts that requests may be for, without a port, if there is no token.
        """
        self._app = app
        self._access = access
        self._refusals = refusals
        self._own_names = LOCAL_NAMES.union(own_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refused(request) or await self._unadmitted(request)
        await (answer or self._app)(scope, receive, send_guarded)

    def _refused(self, request: Request) -> Response | None:
        """The answer to a request of another site, to another name, or for no path of ours."""
        if not self._access.needed and _host(request.headers) not in self._own_names:
            return self._count("host", PlainTextResponse(WRONG_HOST, 421))
        if not self._access.needed and any(name in request.headers for name in OF_PROXIES):
            return self._count("host", PlainTextResponse(THROUGH_PROXY, 421))
        if _is_foreign(request):
            return self._count("origin", PlainTextResponse(WRONG_ORIGIN, 403))
        if len(request.scope["path"]) > MAX_PATH:
            return PlainTextResponse("No address of this page is as long.", 414)
        return None

    async def _unadmitted(self, request: Request) -> Response | None:
        """The answer to a request without a token, or with a wrong one."""
        if not self._access.needed or request.scope["path"] in OPEN_TO_ALL:
            return None
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return None if self._access.knows(token.strip()) else await wrong_token(self._access)
        if (session := request.cookies.get(COOKIE)) is not None:
            if self._access.holds(session):
                return None
            if await self._access.refuse() == "busy":
                return too_many()
        if request.scope["path"] == "/":
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse(NO_TOKEN, 401, {"WWW-Authenticate": "Bearer"})

    def _count(self, reason: Reason, answer: Response) -> Response:
        self._refusals.counts[reason] += 1
        return answer


async def wrong_token(access: Access) -> Response:
    """The answer to a wrong token, which takes a while."""
    if await access.refuse() == "busy":
        return too_many()
    return PlainTextResponse(WRONG_TOKEN, 401, {"WWW-Authenticate": "Bearer"})


def too_many() -> Response:
    """The answer to a wrong token while too many others wait for theirs."""
    return PlainTextResponse(TOO_MANY, 429, {"Retry-After": "5"})


def _host(headers: Headers) -> str:
    """The host that a request is for, without its port; empty if that isn't plain."""
    [host, *others] = headers.getlist("host") or [""]
    name, _, port = host.lower().rpartition(":") if not host.endswith("]") else (host, "", "")
    return "" if others else (name if port.isdigit() else host.lower())


def _place(origin: str) -> str | None:
    """Host and port of an origin; `None` if it has none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _is_foreign(request: Request) -> bool:
    """Whether a page of another site has made the request; following a link to here is fine."""
    origin = request.headers.get("origin")
    if origin is not None:
        return _place(origin) != request.headers.get("host", "").lower()
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return False
    follows_link = (
        request.method == "GET"
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )
    return not (follows_link and request.scope["path"] in ("/", LOGIN))
