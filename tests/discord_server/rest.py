"""Every HTTP request of the bot passes here: books, faults, limits, checks, then its handler."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from . import (
    rest_application,
    rest_channels,
    rest_commands,
    rest_guilds,
    rest_interactions,
    rest_webhooks,
)
from .errors import ApiError, invalid_form
from .faults import Faults
from .openapi import OpenApi
from .rate_limits import RateLimits
from .record import Request
from .routes import Call, Reply, Route, Routes
from .uploads import Upload
from .world import World

PREFIX = "/api/v10"
FOREVER = 3600


class Rest:
    """The HTTP side of the server."""

    def __init__(self, world: World, *, check_answers: bool = False) -> None:
        self.world = world
        self.faults = Faults()
        self.limits = RateLimits()
        self.openapi = OpenApi.load()
        self.check_answers = check_answers
        self.routes = Routes()
        for module in (
            rest_application,
            rest_commands,
            rest_channels,
            rest_guilds,
            rest_interactions,
            rest_webhooks,
        ):
            self.routes.table += module.routes.table

    async def handle(self, http: web.Request) -> web.Response:
        """Answer one request and write it in the books."""
        arrived = self.world.now
        path = http.path.removeprefix(PREFIX)
        body, files = await _read(http)
        names = [file.filename for file in files.values()]
        request = Request(http.method, path, body, names, arrived)
        self.world.record.requests.append(request)
        trouble = self.faults.meet(request.method, path)
        if trouble.delay:
            await asyncio.sleep(trouble.delay)
        refusal = trouble.refusal
        if refusal is None or refusal.lose_answer:
            response = await self._answer(http, request, files)
        if refusal is not None:
            assert refusal.status is not None
            headers = {"Via": "1.1 google"}
            if refusal.status == 429:
                self.world.record.rate_limited.append(request)
                headers["Retry-After"] = str(refusal.retry_after)
                headers["X-RateLimit-Scope"] = "user"
            response = _respond(request, refusal.status, refusal.body(), headers)
        self.world.changes.ring()
        if trouble.silent:
            await asyncio.sleep(FOREVER)
        return response

    async def _answer(
        self, http: web.Request, request: Request, files: dict[int, Upload]
    ) -> web.Response:
        headers: dict[str, str] = {"Via": "1.1 google"}
        try:
            found = self.routes.find(request.method, request.path)
            if found is None:
                raise ApiError(404, 0, "404: Not Found")
            route, params = found
            token = http.headers.get("Authorization")
            if route.authorized and token != f"Bot {self.world.token}":
                raise ApiError(401, 0, "401: Unauthorized")
            limit_headers, wait = self.limits.take(route, params, self.world.now)
            headers |= limit_headers
            if wait is not None:
                return self._too_many(request, headers, wait)
            self._check_body(route, request.body)
            call = Call(self.world, params, http.query, request.body, files, arrived=request.at)
            reply = await route.handler(call)
        except ApiError as error:
            self.world.record.refusal(request, error)
            return _respond(request, error.status, error.body(), headers)
        self._check_answer(route, request, reply)
        if reply.body is None:
            return _respond(request, 204, None, headers)
        return _respond(request, reply.status, reply.body, headers)

    def _too_many(self, request: Request, headers: dict[str, str], wait: float) -> web.Response:
        self.world.record.rate_limited.append(request)
        headers |= {"Retry-After": f"{wait:.3f}", "X-RateLimit-Scope": "user"}
        text = "You are being rate limited."
        body = {"message": text, "retry_after": round(wait, 3), "global": False}
        return _respond(request, 429, body, headers)

    def _check_body(self, route: Route, body: Any) -> None:
        if route.method in ("POST", "PUT", "PATCH") and self.openapi is not None:
            problems = self.openapi.request_problems(route.method, route.path, body)
            if problems:
                raise invalid_form(problems)
        if route.method in ("PATCH", "POST") and body is None and route.path in NEED_A_BODY:
            raise ApiError(400, 50109, "The request body contains invalid JSON.")

    def _check_answer(self, route: Route, request: Request, reply: Reply) -> None:
        if not self.check_answers or self.openapi is None or reply.body is None:
            return
        for problem in self.openapi.answer_problems(
            route.method, route.path, reply.status, reply.body
        ):
            text = f"{'.'.join(map(str, problem.path))}: {problem.message}"
            self.world.record.violation(-1, f"this server answered {request}: {text}")

    async def cdn(self, http: web.Request) -> web.Response:
        """Serve an attachment."""
        file = self.world.files.get(int(http.match_info["id"]))
        if file is None or file.filename != http.match_info["filename"]:
            return web.Response(status=404)
        return web.Response(body=file.data, headers={"Content-Type": file.content_type})


NEED_A_BODY = frozenset(
    {
        "/channels/{channel_id}/messages",
        "/channels/{channel_id}/messages/{message_id}",
        "/interactions/{interaction_id}/{interaction_token}/callback",
        "/webhooks/{webhook_id}/{webhook_token}",
        "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        "/users/@me/channels",
    }
)


async def _read(http: web.Request) -> tuple[Any, dict[int, Upload]]:
    """The JSON of a request and its `files[n]`; None for what is not JSON."""
    files: dict[int, Upload] = {}
    text = ""
    if http.content_type != "multipart/form-data":
        text = (await http.read()).decode("utf-8", errors="replace")
    else:
        async for part in await http.multipart():
            assert isinstance(part, BodyPartReader)
            name = part.name or ""
            match = re.fullmatch(r"files\[(\d+)\]", name)
            if match:
                data = bytes(await part.read())
                files[int(match[1])] = Upload(part.filename or "file", data)
            elif name == "payload_json":
                text = await part.text(encoding="utf-8")
    try:
        return json.loads(text) if text else None, files
    except json.JSONDecodeError:
        return None, files


def _respond(request: Request, status: int, body: Any, headers: dict[str, str]) -> web.Response:
    """An answer with the bare content type that discord.py looks for."""
    request.status = status
    request.answer = body
    if isinstance(body, dict):
        code = body.get("code", 0)
        request.code = code if isinstance(code, int) else 0
    if body is None:
        return web.Response(status=status, headers=headers)
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)
    headers["Content-Type"] = "application/json"
    return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
