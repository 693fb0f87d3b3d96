"""What the gateway remembers of a shard of the bot, and the line it talks over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import zlib
from collections import deque

from aiohttp import web

from .errors import Json
from .guilds import Guild
from .snowflakes import shard_of

DISPATCH = 0
GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 0, 1 << 9, 1 << 12
REPLAYED = 500
"""How many events are kept for a resume."""


class Session:
    """What one shard of the bot has been told; survives the connection it was told over."""

    def __init__(self, shard: tuple[int, int], intents: int) -> None:
        self.id = secrets.token_hex(16)
        self.shard = shard
        self.intents = intents
        self.sequence = 0
        self.sent: deque[Json] = deque(maxlen=REPLAYED)
        self.connection: Connection | None = None
        self.ready = False

    def dispatch(self, event: str, data: Json) -> None:
        """Number an event, keep it for a resume, send it if somebody listens."""
        self.sequence += 1
        frame = {"op": DISPATCH, "t": event, "s": self.sequence, "d": data}
        self.sent.append(frame)
        if self.connection is not None:
            self.connection.send(frame)

    def hears(self, event: str, guild: Guild | None) -> bool:
        """Whether an event is for this session: its shard, its intents."""
        index, count = self.shard
        if shard_of(guild.id if guild else None, count) != index:
            return False
        if event.startswith("MESSAGE_"):
            return bool(self.intents & (GUILD_MESSAGES if guild else DIRECT_MESSAGES))
        return event == "INTERACTION_CREATE" or bool(self.intents & GUILDS)


class Connection:
    """One websocket; frames leave in order through a queue."""

    def __init__(self, socket: web.WebSocketResponse, *, compress: bool) -> None:
        self.socket = socket
        self.session: Session | None = None
        self._zlib = zlib.compressobj() if compress else None
        self._frames: asyncio.Queue[Json] = asyncio.Queue()

    def send(self, frame: Json) -> None:
        """Put a frame in the queue."""
        self._frames.put_nowait(frame)

    async def write(self) -> None:
        """Send what is in the queue, for ever."""
        while True:
            text = json.dumps(await self._frames.get())
            with contextlib.suppress(ConnectionError):
                if self._zlib is None:
                    await self.socket.send_str(text)
                else:
                    data = self._zlib.compress(text.encode())
                    await self.socket.send_bytes(data + self._zlib.flush(zlib.Z_SYNC_FLUSH))

    async def close(self, code: int, reason: str = "") -> None:
        """Hang up."""
        await self.socket.close(code=code, message=reason.encode())
