"""The bot as its owner runs it, `python bot.py run`, in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.discord_server import DiscordServer
from tests.fork_server import ForkServer

ROOT = Path(__file__).parent.parent


class Owner:
    """Somebody at the computer on which the bot runs."""

    def __init__(
        self, folder: Path, model: Path, discord: DiscordServer, forks: ForkServer
    ) -> None:
        self.discord = discord
        self._forks = forks
        self._log = folder / "log.txt"
        self._data = folder / "data"
        self._config = folder / "config.toml"
        self._config.write_text(
            f"""
            [discord]
            token = "{discord.token}"
            api_url = "{discord.api_url}"
            [storage]
            path = "{self._data.as_posix()}"
            [limits]
            pictures_per_hour = "unlimited"
            waiting_jobs = "unlimited"
            [engine]
            default_model = "tiny"
            device = "cpu"
            batch_size = 2
            [models.tiny]
            source = "{model.as_posix()}"
            width = 64
            height = 64
            min_side = 32
            max_side = 128
            """
        )
        self.process = 0

    async def start(self) -> None:
        """Start the bot and wait until Discord sees it."""
        arguments = ["bot.py", "run", "--config", str(self._config)]
        self.process = await self._forks.start(arguments, self._log)
        await self.discord.ready(60)

    async def end(self, how: signal.Signals) -> int:
        """Send the signal; returns the exit code."""
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.process, how)
        code = await self._forks.wait()
        await self.discord.gone(10)
        return code

    def command(self, *line: str) -> None:
        """Run a command beside the bot."""
        subprocess.run(
            [sys.executable, "bot.py", *line, "--config", str(self._config)], cwd=ROOT, check=True
        )

    def pictures(self) -> dict[Path, int]:
        """When each picture that the bot keeps was written."""
        return {file: file.stat().st_mtime_ns for file in self._data.rglob("pictures/*/*.png")}

    def log(self) -> str:
        """What the bot has printed."""
        return self._log.read_text()

    def log_file(self) -> str:
        """What the bot has logged in its data folder."""
        return (self._data / "log" / "atelier.log").read_text()
