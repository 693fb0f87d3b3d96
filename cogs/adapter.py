"""How interactions are answered: what is promised is kept, and a lost answer is no failure.

Discord may do what it is asked and fail to say so. discord.py then asks again: a deferred answer is
refused as given already, and a follow-up is posted twice.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import discord
from discord import InteractionResponseType as Kind
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter

from cogs.acts import Acts, Received, received
from cogs.context import Client

ALREADY_ACKNOWLEDGED = 40060
UNKNOWN_MESSAGE = 10008

CALLBACK = "/interactions/{webhook_id}/{webhook_token}/callback"
FOLLOW_UP = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = FOLLOW_UP + "/messages/@original"

DEFERRED = (Kind.deferred_channel_message.value, Kind.deferred_message_update.value)

LOOKED_AT = 50
"""Messages after an interaction among which its follow-up is looked for."""

Json = dict[str, Any]


class Adapter(AsyncWebhookAdapter):
    """discord.py's requests that carry an interaction's token."""

    def __init__(self, bot: Client, acts: Acts) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._bot = bot
        self._acts = acts

    async def request(
        self,
        route: Route,
        session: aiohttp.ClientSession,
        *,
        payload: Json | None = None,
        multipart: list[Json] | None = None,
        files: Sequence[discord.File] | None = None,
        **more: Any,
    ) -> Any:
        """Send a request, again if it isn't known whether Discord has got it.

        Raises:
            discord.HTTPException: When Discord refuses.
            aiohttp.ClientError: When Discord can't be reached.
        """
        body = payload or (json.loads(multipart[0]["value"]) if multipart else {})
        if route.path == CALLBACK and body["type"] in DEFERRED:
            await self._acts.keep()

        async def look() -> Json | None:
            posts = route.method == "POST" and route.path == FOLLOW_UP
            return await self._posted(body) if posts else None

        attempts = _Attempts(session, look)
        try:
            for last in (False, True):
                try:
                    return await super().request(
                        route,
                        cast(aiohttp.ClientSession, attempts),
                        payload=payload,
                        multipart=multipart,
                        files=files,
                        **more,
                    )
                except (aiohttp.ClientError, OSError):
                    if last:
                        raise
                    for file in files or ():
                        file.reset()
        except _Posted as found:
            return found.message
        except discord.NotFound as error:
            if route.method == "DELETE" and error.code == UNKNOWN_MESSAGE:
                return None
            raise
        except discord.HTTPException as error:
            act = received.get()
            if error.code != ALREADY_ACKNOWLEDGED or act is None:
                raise
            if act.resumed:
                return await self._answer_resumed(act, body, session)
            if attempts.sent > 1:
                return await self._answer_given(act, body, session)
            raise

    async def _answer_given(
        self, act: Received, body: Json, session: aiohttp.ClientSession
    ) -> Json:
        """What Discord would have answered to a response that it has got."""
        if body["type"] in (Kind.channel_message.value, Kind.message_update.value):
            message = await super().request(_original("GET", act), session)
            return _response(act, body, message)
        return _response(act, body)

    async def _answer_resumed(
        self, act: Received, body: Json, session: aiohttp.ClientSession
    ) -> Json:
        """Respond to an interaction that was acknowledged before the program's last end."""
        if body["type"] == Kind.channel_message.value:
            route = _route("POST", FOLLOW_UP, act)
            params = {"wait": 1, "with_components": 1}
            message = await self.request(route, session, payload=body["data"], params=params)
            return _response(act, body, message)
        if body["type"] == Kind.message_update.value:
            message = await self.request(_original("PATCH", act), session, payload=body["data"])
            return _response(act, body, message)
        return _response(act, body)

    async def _posted(self, body: Json) -> Json | None:
        """The follow-up, if it has been posted where the bot can read it."""
        act = received.get()
        if act is None or body.get("flags", 0) & discord.MessageFlags.ephemeral.flag:
            return None
        payload = act.payload
        granted = discord.Permissions(int(payload["app_permissions"]))
        member = "0" in payload["authorizing_integration_owners"]
        if not (member and granted.view_channel and granted.read_message_history):
            return None
        try:
            messages = await self._bot.http.logs_from(
                payload["channel_id"], limit=LOOKED_AT, after=payload["id"]
            )
        except discord.HTTPException:
            return None
        for message in cast(list[Json], messages):
            ours = message.get("interaction_metadata", {}).get("id") == payload["id"]
            if ours and _content(message) == _content(body):
                return message
        return None


class _Posted(Exception):
    """The message need not be sent again."""

    def __init__(self, message: Json) -> None:
        super().__init__()
        self.message = message


class _Attempts:
    """A session for one request, which looks before it sends it again."""

    def __init__(
        self, session: aiohttp.ClientSession, look: Callable[[], Awaitable[Json | None]]
    ) -> None:
        self._session = session
        self._look = look
        self.sent = 0

    @asynccontextmanager
    async def request(self, *values: Any, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        if self.sent and (message := await self._look()) is not None:
            raise _Posted(message)
        self.sent += 1
        async with self._session.request(*values, **more) as response:
            yield response


def _route(method: str, path: str, act: Received) -> Route:
    payload = act.payload
    return Route(method, path, webhook_id=payload["application_id"], webhook_token=payload["token"])


def _original(method: str, act: Received) -> Route:
    return _route(method, ORIGINAL, act)


def _response(act: Received, body: Json, message: Json | None = None) -> Json:
    """The answer to a callback (Discord, "Interaction Callback Response Object")."""
    described = {"id": act.payload["id"], "type": act.payload["type"]}
    if message is None:
        return {"interaction": described}
    described["response_message_id"] = message["id"]
    return {"interaction": described, "resource": {"type": body["type"], "message": message}}


def _content(message: Json) -> tuple[str, list[str]]:
    """The text of a message and the custom IDs of its components."""
    return message.get("content") or "", list(_custom_ids(message.get("components") or []))


def _custom_ids(parts: Sequence[Json]) -> Iterator[str]:
    for part in parts:
        if "custom_id" in part:
            yield part["custom_id"]
        yield from _custom_ids(part.get("components") or [])
