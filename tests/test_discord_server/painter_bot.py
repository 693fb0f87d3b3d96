"""A bot that does, on command, everything the loopback Discord has an opinion about."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from PIL import Image
from yarl import URL

from tests.discord_server import DiscordServer

Interaction = discord.Interaction[Any]
Script = Callable[[Interaction], Any]


class PainterBot(commands.AutoShardedBot):
    """The real discord.py client; `act` is what ``/act`` does."""

    def __init__(self) -> None:
        intents = discord.Intents.default()
        super().__init__("!", intents=intents, help_command=None, enable_debug_events=False)
        self.act: Script | None = None
        self.pressed: Script | None = None
        self.errors: list[BaseException] = []
        self.heard: list[str] = []
        self.tree.error(self._remember)
        commands_: list[Any] = [act, imagine, models, look_at, greet]
        for command in commands_:
            self.tree.add_command(command)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No five seconds between shards."""

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def _remember(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        self.errors.append(getattr(error, "original", error))

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is discord.InteractionType.component and self.pressed:
            await self.pressed(interaction)

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message.content)


@app_commands.command(description="Do what the test says")
async def act(interaction: discord.Interaction[PainterBot]) -> None:
    """Run the script of the test."""
    script = interaction.client.act
    assert script is not None
    await script(interaction)


@app_commands.command(description="Paint a picture")
@app_commands.describe(prompt="What to paint", count="How many", model="With which model")
async def imagine(
    interaction: discord.Interaction[PainterBot],
    prompt: app_commands.Range[str, 1, 200],
    count: app_commands.Range[int, 1, 4] = 1,
    model: str | None = None,
    start: discord.Attachment | None = None,
) -> None:
    """Answer with what was asked for."""
    file = f" from {start.filename} ({start.size})" if start else ""
    await interaction.response.send_message(f"{count} x {prompt} by {model}{file}")


@imagine.autocomplete("model")
async def complete(
    interaction: discord.Interaction[PainterBot], current: str
) -> list[app_commands.Choice[str]]:
    """Two models."""
    names = [name for name in ("sketch", "skyline") if name.startswith(current)]
    return [app_commands.Choice(name=name.title(), value=name) for name in names]


models = app_commands.Group(
    name="model",
    description="Models",
    default_permissions=discord.Permissions(manage_guild=True),
    guild_only=True,
)


@models.command(name="use", description="Change the model")
async def use_model(interaction: discord.Interaction[PainterBot], name: str) -> None:
    """Say so."""
    await interaction.response.send_message(f"now using {name}", ephemeral=True)


@app_commands.context_menu(name="Paint from this")
async def look_at(interaction: discord.Interaction[PainterBot], message: discord.Message) -> None:
    """Say what the message says and holds."""
    names = [attachment.filename for attachment in message.attachments]
    await interaction.response.send_message(f"{message.content!r} {names}", ephemeral=True)


@app_commands.context_menu(name="Greet")
async def greet(interaction: discord.Interaction[PainterBot], member: discord.Member) -> None:
    """Mention somebody without notifying them."""
    await interaction.response.send_message(
        f"Hello {member.mention} @everyone", allowed_mentions=discord.AllowedMentions.none()
    )


def picture(size: tuple[int, int] = (8, 6)) -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return buffer.getvalue()


def file(name: str = "red.png", data: bytes | None = None) -> discord.File:
    """A file to send."""
    return discord.File(io.BytesIO(picture() if data is None else data), name)


@contextlib.asynccontextmanager
async def running(
    server: DiscordServer, bot: PainterBot | None = None
) -> AsyncIterator[PainterBot]:
    """A bot that is logged in to the server."""
    bot = bot or PainterBot()
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = server.api_url, URL(server.gateway_url)
    task = asyncio.create_task(bot.start(server.token))
    ready = asyncio.create_task(server.ready())
    try:
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        await ready
        yield bot
    finally:
        ready.cancel()
        await bot.close()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before
