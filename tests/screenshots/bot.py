"""The bot and a worker as their owners run them, on a loopback Discord."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.discord_server import DiscordServer
from tests.imports import ROOT

CONFIG, WORKER = "config.toml", "attic"


def write_settings(discord: DiscordServer, folder: Path, settings: str) -> None:
    """Write the bot's settings: everything else is as it is when nobody has set anything.

    Args:
        discord: Where the bot is.
        folder: Of its settings and its data.
        settings: More of them.
    """
    (folder / CONFIG).write_text(
        f"""
        [discord]
        token = "{discord.token}"
        api_url = "{discord.api_url}"
        [storage]
        path = "{(folder / "data").as_posix()}"
        {settings}
        """
    )


@asynccontextmanager
async def running_bot(discord: DiscordServer, folder: Path) -> AsyncIterator[None]:
    """The bot of `write_settings` is there."""
    async with _running("run", "--config", str(folder / CONFIG)):
        await discord.ready(60)
        yield


async def invitation(folder: Path) -> str:
    """The line that invites a worker to the bot of `write_settings`."""
    process = await _start(
        "worker", "invite", WORKER, "--config", str(folder / CONFIG), stdout=PIPE
    )
    said, _ = await process.communicate()
    return said.decode().strip()


@asynccontextmanager
async def running_worker(folder: Path, line: str) -> AsyncIterator[None]:
    """A worker on another machine, with what `invitation` has returned."""
    config = folder / "worker.toml"
    config.write_text(f'[storage]\npath = "{(folder / WORKER).as_posix()}"\n')
    async with _running("worker", "--join", line, "--config", str(config)):
        yield


@asynccontextmanager
async def _running(*arguments: str) -> AsyncIterator[None]:
    process = await _start(*arguments)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _start(*arguments: str, stdout: int | None = None) -> Process:
    """`bot.py`, on the CPU."""
    environment = {**os.environ, "ATELIER_ENGINE__DEVICE": "cpu"}
    return await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "bot.py"), *arguments, cwd=ROOT, env=environment, stdout=stdout
    )
