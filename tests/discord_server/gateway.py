"""The gateway, version 10: sessions, heartbeats, resuming, and who hears which event."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiohttp import WSMsgType, web

from . import payloads
from .errors import Json
from .gateway_sessions import GUILDS, Connection, Session
from .guilds import Guild
from .interactions import Interaction
from .rest_application import own_user
from .snowflakes import shard_of
from .world import World

HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 1, 2, 3, 4, 6
RECONNECT, MEMBERS, INVALID_SESSION, HELLO, ACK = 7, 8, 9, 10, 11
PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)
MAX_PAYLOAD = 4096


class Gateway:
    """Every connection and every session of the bot."""

    def __init__(self, world: World, *, heartbeat_interval: float = 41.25) -> None:
        self.world = world
        self.heartbeat_interval = heartbeat_interval
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.presence: Json | None = None
        world.publish = self.publish
        world.offer = self.offer

    @property
    def live(self) -> list[Session]:
        """Sessions with somebody at the other end."""
        return [each for each in self.sessions.values() if each.ready and each.connection]

    def publish(self, event: str, data: Json, guild: Guild | None) -> None:
        """Tell every session that is to hear of an event."""
        if guild is not None and not guild.joined:
            return
        for session in self.sessions.values():
            if session.ready and session.hears(event, guild):
                session.dispatch(event, data)
        self.world.changes.ring()

    def offer(self, interaction: Interaction) -> Callable[[], bool] | None:
        """Send an interaction to the newest live session of its shard."""
        guild = interaction.channel.guild
        for session in reversed(self.live):
            if session.hears("INTERACTION_CREATE", guild):
                connection = session.connection
                session.dispatch("INTERACTION_CREATE", interaction.payload())
                return lambda: connection in self.connections
        return None

    async def handle(self, http: web.Request) -> web.WebSocketResponse:
        """A shard connects."""
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(http)
        compress = http.query.get("compress") == "zlib-stream"
        connection = Connection(socket, compress=compress)
        if http.query.get("v") != "10" or http.query.get("encoding", "json") != "json":
            await connection.close(4012, "Invalid API version")
            return socket
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        interval = round(self.heartbeat_interval * 1000)
        connection.send({"op": HELLO, "d": {"heartbeat_interval": interval, "_trace": ["[]"]}})
        try:
            await self._listen(connection)
        finally:
            writer.cancel()
            self._hang_up(connection)
        return socket

    def _hang_up(self, connection: Connection) -> None:
        self.connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
        self.world.changes.ring()

    async def _listen(self, connection: Connection) -> None:
        """Take frames until the line is dead; a client that stops beating is a zombie."""
        socket, loop = connection.socket, asyncio.get_running_loop()
        grace = self.heartbeat_interval * 1.5
        beaten = loop.time()
        while not socket.closed:
            try:
                message = await socket.receive(timeout=max(0.01, beaten + grace - loop.time()))
            except TimeoutError:
                self.world.record.violation(4000, "the bot stopped sending heartbeats")
                await connection.close(4000, "Session timed out")
                return
            if message.type is not WSMsgType.TEXT:
                goodbye = message.type is WSMsgType.CLOSE and message.data in (1000, 1001)
                if goodbye and connection.session is not None:
                    self.sessions.pop(connection.session.id, None)
                return
            if len(message.data) > MAX_PAYLOAD:
                await self._refuse(connection, 4002, "Decode error: payload too large")
                return
            frame = json.loads(message.data)
            if frame.get("op") == HEARTBEAT:
                beaten = loop.time()
            await self._take(connection, frame)

    async def _take(self, connection: Connection, frame: Json) -> None:
        op, data = frame.get("op"), frame.get("d") or {}
        if op == HEARTBEAT:
            connection.send({"op": ACK, "d": None})
        elif op == IDENTIFY:
            await self._identify(connection, data)
        elif op == RESUME:
            await self._resume(connection, data)
        elif connection.session is None:
            await self._refuse(connection, 4003, "Not authenticated")
        elif op == PRESENCE:
            self.presence = data
        elif op == MEMBERS:
            self._members(connection.session, data)
        elif op != VOICE:
            await self._refuse(connection, 4001, "Unknown opcode")

    async def _refuse(self, connection: Connection, code: int, reason: str) -> None:
        """Close with a code that means the bot made a mistake."""
        self.world.record.violation(code, f"gateway closed with {code}: {reason}")
        await connection.close(code, reason)

    async def _identify(self, connection: Connection, data: Json) -> None:
        if connection.session is not None:
            await self._refuse(connection, 4005, "Already authenticated")
        elif data.get("token") != self.world.token:
            await self._refuse(connection, 4004, "Authentication failed")
        elif data.get("intents", 0) & PRIVILEGED:
            await self._refuse(connection, 4014, "Disallowed intent(s)")
        else:
            index, count = data.get("shard") or (0, 1)
            if not 0 <= index < count:
                await self._refuse(connection, 4010, "Invalid shard")
                return
            self._forget_idle((index, count))
            session = Session((index, count), data["intents"])
            self._attach(session, connection)
            self.sessions[session.id] = session
            self._greet(session)

    def _forget_idle(self, shard: tuple[int, int]) -> None:
        """A new session of a shard replaces those that nobody came back for."""
        for session in list(self.sessions.values()):
            if session.shard == shard and session.connection is None:
                del self.sessions[session.id]

    def _attach(self, session: Session, connection: Connection) -> None:
        session.connection, connection.session = connection, session

    def _greet(self, session: Session) -> None:
        index, count = session.shard
        guilds = [each for each in self.world.guilds.values() if shard_of(each.id, count) == index]
        ready = {
            "v": 10,
            "user": own_user(self.world),
            "user_settings": {},
            "session_type": "normal",
            "session_id": session.id,
            "resume_gateway_url": self.world.gateway_url,
            "application": {"id": str(self.world.application_id), "flags": 0},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "shard": [index, count],
            "private_channels": [],
            "presences": [],
            "relationships": [],
            "_trace": [],
        }
        session.dispatch("READY", ready)
        for guild in guilds:
            if session.intents & GUILDS:
                session.dispatch("GUILD_CREATE", payloads.guild_create(guild))
        session.ready = True
        self.world.changes.ring()

    async def _resume(self, connection: Connection, data: Json) -> None:
        if data.get("token") != self.world.token:
            await self._refuse(connection, 4004, "Authentication failed")
            return
        session = self.sessions.get(data.get("session_id", ""))
        missed = data.get("seq", 0)
        oldest = session.sent[0]["s"] if session and session.sent else 1
        if session is None or missed < oldest - 1 or missed > session.sequence:
            connection.send({"op": INVALID_SESSION, "d": False})
            return
        for frame in session.sent:
            if frame["s"] > missed:
                connection.send(frame)
        self._attach(session, connection)
        session.dispatch("RESUMED", {"_trace": []})
        self.world.changes.ring()

    def _members(self, session: Session, data: Json) -> None:
        """Answer a request for members: those asked for by id, or whose name begins so."""
        guild = self.world.guilds[int(data["guild_id"])]
        wanted = data.get("user_ids")
        ids = [str(id_) for id_ in (wanted if isinstance(wanted, list) else [wanted]) if id_]
        query = data.get("query") or ""
        found = [
            each
            for each in guild.members.values()
            if str(each.user.id) in ids or (query and each.user.name.startswith(query))
        ]
        chunk = {
            "guild_id": str(guild.id),
            "members": [payloads.member(each) for each in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [id_ for id_ in ids if int(id_) not in guild.members],
        }
        if data.get("nonce"):
            chunk["nonce"] = data["nonce"]
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)

    async def drop(self, *, resumable: bool, code: int, shard: int | None = None) -> None:
        """Hang up on the bot; without `resumable` its sessions are forgotten."""
        for connection in list(self.connections):
            session = connection.session
            if session is not None and shard not in (None, session.shard[0]):
                continue
            if session is not None and not resumable:
                self.sessions.pop(session.id, None)
            self._hang_up(connection)
            await connection.close(code)

    def ask_to_reconnect(self) -> None:
        """Op 7: the bot is to come back and resume, as before a restart of Discord's."""
        for connection in self.connections:
            connection.send({"op": RECONNECT, "d": None})
