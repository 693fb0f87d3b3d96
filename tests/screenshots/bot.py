"""The bot as its owner runs it, on a loopback Discord."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.discord_server import DiscordServer
from tests.tiny.flux2_klein import flux2_klein

ROOT = Path(__file__).parent.parent.parent


KLEIN = """
        [models.klein]
        source = "{folder}"
        width = 256
        height = 256
        min_side = 64
        num_inference_steps = 4
"""


@asynccontextmanager
async def running_bot(
    discord: DiscordServer, folder: Path, settings: str | None = None
) -> AsyncIterator[None]:
    """The bot is there, with everything as it is when nobody has set anything.

    Args:
        discord: Where it is.
        folder: Of its settings and its data.
        settings: More of them; by default, a model that can edit.
    """
    config = folder / "config.toml"
    if settings is None:
        settings = KLEIN.format(folder=flux2_klein(folder / "klein").as_posix())
    config.write_text(
        f"""
        [discord]
        token = "{discord.token}"
        api_url = "{discord.api_url}"
        [storage]
        path = "{(folder / "data").as_posix()}"
        {settings}
        """
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "bot.py", "run", "--config", config, cwd=ROOT
    )
    try:
        await discord.ready(60)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
