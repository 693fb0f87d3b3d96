"""Typing the token: a form, and a session for the browser."""

from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from cli.web.access import SESSION_SECONDS, Access
from cli.web.guard import COOKIE, LOGIN, too_many
from cli.web.page import Page, language_of

MAX_BODY = 4096
"""Bytes of what is typed."""


class Login:
    """The form, and what follows it. Nothing else on the page changes anything."""

    def __init__(self, access: Access, page: Page) -> None:
        self._access = access
        self._page = page

    async def show(self, request: Request) -> Response:
        """GET: the form."""
        if not self._access.needed:
            return RedirectResponse("/", 303)
        return self._form(request, 200, wrong=False)

    async def enter(self, request: Request) -> Response:
        """POST: a session, if the token is right."""
        body = await _body(request)
        if body is None:
            return PlainTextResponse("That is too long for a token.", 413)
        [token, *_] = parse_qs(body.decode(errors="replace")).get("token", [""])
        if not self._access.knows(token.strip()):
            if await self._access.refuse() == "busy":
                return too_many()
            return self._form(request, 401, wrong=True)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE,
            self._access.new_session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.headers.get("origin", "").startswith("https:"),  # a proxy's may be
        )
        return answer

    async def leave(self, request: Request) -> Response:
        """POST: the browser forgets its session."""
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    def _form(self, request: Request, status: int, *, wrong: bool) -> Response:
        language = language_of(request.headers.get("accept-language", ""))
        return HTMLResponse(self._page.render("login.html", language, wrong=wrong), status)


async def _body(request: Request) -> bytes | None:
    """What was sent; `None` if it is too long."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return None
    except ClientDisconnect:
        return b""
    return body
