"""Answers of the loopback Hub that refuse."""

import json
from typing import Any

from aiohttp import hdrs, web


def token_of(request: web.Request) -> str:
    return request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")


def refusal(
    status: int, code: str, message: str, commit: str | None = None, **more: Any
) -> web.Response:
    """An error as the Hub's client reads it."""
    headers: dict[str, Any] = {"X-Error-Message": message} | (
        {"X-Error-Code": code} if code else {}
    )
    if commit is not None:
        headers["X-Repo-Commit"] = commit
    body = json.dumps({"error": message, **more})
    return web.Response(status=status, headers=headers, text=body, content_type="application/json")
