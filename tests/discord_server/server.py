"""`DiscordServer`: the loopback Discord that tests talk to."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from . import payloads
from .errors import Violation
from .faults import Fault
from .gateway import Gateway
from .guilds import Channel, Guild, User
from .messages import Message
from .people import Person
from .record import Expected, Request
from .rest import PREFIX, Rest
from .transcript import transcript
from .world import World

T = TypeVar("T")


class DiscordServer:
    """A Discord on 127.0.0.1, as strict as the real one.

    It keeps everything (messages, commands, interactions, tokens) while bots come and go. Leaving
    the ``async with`` block fails if the bot did anything that Discord would not put up with.

    `acknowledge_within` and `token_lifetime` shorten Discord's 3 seconds and 15 minutes;
    `shards` is how many the bot is told to open; `check_answers` holds this server's own answers
    against Discord's OpenAPI document.
    """

    def __init__(
        self,
        *,
        shards: int = 1,
        acknowledge_within: float = 3.0,
        token_lifetime: float = 900.0,
        heartbeat_interval: float = 41.25,
        check_answers: bool = False,
    ) -> None:
        self.world = World(
            acknowledge_within=acknowledge_within, token_lifetime=token_lifetime, shards=shards
        )
        self.rest = Rest(self.world, check_answers=check_answers)
        self.gateway = Gateway(self.world, heartbeat_interval=heartbeat_interval)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
        if error is None:
            self.assert_no_violations()

    async def start(self, port: int = 0) -> None:
        """Listen; on a port of the system's choosing unless told one."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/", self.gateway.handle)
        app.router.add_get("/attachments/{channel}/{id:\\d+}/{filename}", self.rest.cdn)
        app.router.add_route("*", PREFIX + "/{path:.*}", self.rest.handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        host, bound = self._runner.addresses[0][:2]
        self.world.origin = f"http://{host}:{bound}"
        self.world.gateway_url = f"ws://{host}:{bound}/"

    async def stop(self) -> None:
        """Hang up and stop listening."""
        await self.gateway.drop(resumable=False, code=1001)
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.world.token

    @property
    def api_url(self) -> str:
        """What `discord.http.Route.BASE` must be."""
        return self.world.origin + PREFIX

    @property
    def gateway_url(self) -> str:
        """Where the gateway is.

        `/gateway/bot` and READY say it too, but after an invalid session discord.py goes to
        `DiscordWebSocket.DEFAULT_GATEWAY`: a bot under test must point that here as well.
        """
        return self.world.gateway_url

    @property
    def application_id(self) -> int:
        """The application's id, which is the bot's too."""
        return self.world.application_id

    @property
    def requests(self) -> list[Request]:
        """Every HTTP request of the bot, oldest first."""
        return self.world.record.requests

    @property
    def rate_limited(self) -> list[Request]:
        """The requests that were answered with 429."""
        return self.world.record.rate_limited

    @property
    def violations(self) -> list[Violation]:
        """What the bot did that Discord would not have put up with."""
        return self.world.record.violations

    def assert_no_violations(self) -> None:
        """Fail, with the conversation, if there are any."""
        if self.violations:
            listed = "\n".join(f"- {each}" for each in self.violations)
            raise AssertionError(f"Discord objected:\n{listed}\n\n{self.transcript()}")

    def add_guild(
        self,
        name: str,
        *,
        locale: str = "en-US",
        add_features: Callable[[Guild], None] | None = None,
        joined: bool = True,
    ) -> Guild:
        """The bot is invited to a new guild; `add_features` gives it channels before that.

        One that it has not `joined` knows it only by members who installed it for themselves.
        """
        guild = Guild(self.world, name, locale=locale, joined=joined)
        if add_features is not None:
            add_features(guild)
        if not joined:
            return guild
        self.world.guilds[guild.id] = guild
        # A guild that is joined says nothing of availability; one that comes back says false.
        described = payloads.guild_create(guild)
        del described["unavailable"]
        self.world.publish("GUILD_CREATE", described, guild)
        return guild

    def add_group(self, name: str, *members: Person) -> Channel:
        """A conversation of people without the bot."""
        return self.world.group_of(name, [member.user for member in members])

    def remove_guild(self, guild: Guild) -> None:
        """The bot is thrown out of a guild."""
        for channel in list(guild.channels.values()):
            self.world.forget_channel(channel)
        del self.world.guilds[guild.id]
        self.world.gone.add(guild.id)
        self.world.publish("GUILD_DELETE", {"id": str(guild.id)}, guild)

    async def ready(self, timeout: float = 15, *, commands: bool = True) -> None:
        """Wait until every shard of a bot is connected and, with `commands`, has some."""

        def connected() -> bool:
            live = self.gateway.live
            complete = bool(live) and {each.shard[0] for each in live} == set(
                range(live[-1].shard[1])
            )
            return complete and (not commands or any(self.world.commands.values()))

        await self.until(connected, timeout)

    async def gone(self, timeout: float = 15) -> None:
        """Wait until no bot is connected."""
        await self.until(lambda: not self.gateway.connections, timeout)

    async def until(self, predicate: Callable[[], T], timeout: float = 5) -> T:
        """The first truthy value of a predicate about this server, re-tried on every change."""
        try:
            return await self.world.changes.until(predicate, timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.transcript()}") from None

    def expecting(
        self, code: int, *, at_least: int = 1
    ) -> contextlib.AbstractContextManager[Expected]:
        """Inside the block refusals with this code are no violations; there must be some."""
        return self.world.record.expecting(code, at_least=at_least)

    def fail_next(
        self,
        *,
        method: str = "*",
        path: str = ".*",
        status: int = 500,
        times: int = 1,
        code: int | None = None,
        retry_after: float = 0.3,
        lose_answer: bool = False,
    ) -> Fault:
        """The next matching requests fail; with `lose_answer` they take effect all the same."""
        fault = Fault(method, re.compile(path), times, status, code, retry_after, lose_answer)
        return self.rest.faults.order(fault)

    def delay(
        self, seconds: float, *, method: str = "*", path: str = ".*", times: int = 1
    ) -> Fault:
        """The next matching requests wait before anything happens to them."""
        return self.rest.faults.order(Fault(method, re.compile(path), times, delay=seconds))

    def never_answer(self, *, method: str = "*", path: str = ".*", times: int = 1) -> Fault:
        """The next matching requests take effect, but nobody ever hears of it."""
        fault = Fault(method, re.compile(path), times, silent=True)
        return self.rest.faults.order(fault)

    def call_off_faults(self) -> None:
        """What was ordered with `fail_next` and `delay` and has not happened yet, will not."""
        self.rest.faults.clear()

    async def drop_gateway(
        self, *, resumable: bool = True, code: int = 4000, shard: int | None = None
    ) -> None:
        """The gateway connection breaks, of one shard or of all."""
        await self.gateway.drop(resumable=resumable, code=code, shard=shard)

    def ask_to_reconnect(self) -> None:
        """Op 7, what Discord sends before it restarts a gateway."""
        self.gateway.ask_to_reconnect()

    def expire_tokens(self) -> None:
        """Every interaction token dies now, as if 15 minutes had passed."""
        for interaction in self.world.interactions.values():
            interaction.revoked = True

    def message(self, message_id: int) -> Message:
        """Any message that ever was."""
        return self.world.messages[message_id]

    @property
    def bot(self) -> User:
        """The bot's account."""
        return self.world.bot

    def transcript(self) -> str:
        """The conversation as readable text."""
        return transcript(self.world)
