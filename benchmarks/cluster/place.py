"""A folder with a bot and workers that are processes: started, told, heard, and killed."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.cluster.ledger import count_painted
from engine.cluster.bot.open_cluster import FOLDER
from engine.cluster.server.certificate import kept_certificate
from engine.cluster.server.invitation import Invitation
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.keys import Key, new_key
from engine.store import Database, WorkerTable
from engine.tasks import Tasks

STEP_LIMIT = 120.0
"""Seconds within which anything that is waited for has to happen."""


async def invite(folder: Path, keys: Mapping[str, Key]) -> None:
    """Invite workers to the bot of a new folder, whose own device doesn't paint."""
    (folder / FOLDER).mkdir(parents=True)
    for name, key in keys.items():
        InvitedWorkers(folder / FOLDER).add(name, key.public)
    async with Database(folder / "atelier.db") as database:
        await WorkerTable(database).set_paused("cpu", True)


class Place:
    """The processes. Leaving it kills all of them."""

    def __init__(self, folder: Path, workers: int, steps: int, seconds: float) -> None:
        """Prepare.

        Args:
            folder: An empty one.
            workers: How many there are.
            steps: Of a picture.
            seconds: Of a step.
        """
        self.folder = folder
        self.bot_folder = folder / "bot"
        self.names = [f"worker-{number}" for number in range(1, workers + 1)]
        self.submitted: dict[int, int] = {}
        self.painted: list[int] = []
        self.failed: dict[int, str] = {}
        self.here: set[str] = set()
        self.ready = False
        self.done: list[str] = []
        self.processes: dict[str, Process] = {}
        self._steps, self._seconds = steps, seconds
        self._keys: dict[str, Key] = {name: new_key() for name in self.names}
        self._port = free_port()
        self._tasks = Tasks()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> "Place":
        """Invite the workers; the bot's own device doesn't paint. SIGTERM ends all of them."""
        await invite(self.bot_folder, self._keys)
        async with Database(self.bot_folder / "atelier.db") as database:
            await count_painted(database)
        task = asyncio.current_task()
        assert task is not None, "it's entered by a task"
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        for name in (*self.processes, "server"):
            self.strike(name)
        for process in self.processes.values():
            await process.wait()
        await self._tasks.cancel()

    async def start_bot(self, *, wait: bool = True) -> Process:
        """Start the bot, and wait until it takes jobs."""
        self.ready = False
        arguments = (str(self.bot_folder), str(self._steps), str(self._port))
        self.processes["bot"] = await self._start("bot_process", "bot", *arguments)
        self._tasks.start(self._listen(self.processes["bot"]), "listen to the bot")
        if wait:
            await self.until(lambda: self.ready)
        return self.processes["bot"]

    async def start_worker(self, name: str) -> Process:
        """Start a worker."""
        folder = self.folder / name
        process = await self._start(
            "worker_process", name, str(folder), str(self._steps), str(self._seconds)
        )
        self.processes[name] = process
        assert process.stdin is not None
        certificate = kept_certificate(self.bot_folder / FOLDER)
        invitation = Invitation(
            host="127.0.0.1",
            port=self._port,
            name=name,
            key=self._keys[name],
            fingerprint=certificate.fingerprint,
        )
        process.stdin.write(f"{invitation.line}\n".encode())
        return process

    def strike(self, name: str) -> None:
        """End the bot, a worker or the server with SIGKILL, if it's there."""
        if name == "bot":
            self.ready, self.here = False, set()
        with contextlib.suppress(OSError, ValueError):
            if name == "server":
                os.kill(int((self.bot_folder / FOLDER / "server.pid").read_text()), signal.SIGKILL)
            elif (process := self.processes.get(name)) is not None and process.returncode is None:
                process.kill()

    def tell(self, command: dict[str, Any]) -> None:
        """Tell the bot something; it's lost if the bot is killed."""
        bot = self.processes["bot"]
        assert bot.stdin is not None
        bot.stdin.write(f"{json.dumps(command)}\n".encode())

    async def until(self, condition: Callable[[], bool], seconds: float = STEP_LIMIT) -> None:
        """Wait for something that the bot says."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def _start(self, module: str, name: str, *arguments: str) -> Process:
        with (self.folder / f"{name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"benchmarks.cluster.{module}", *arguments),
                stdin=PIPE,
                stdout=PIPE if module == "bot_process" else log,
                stderr=log,
            )

    async def _listen(self, bot: Process) -> None:
        assert bot.stdout is not None
        while (line := await bot.stdout.readline()).endswith(b"\n"):  # or it was killed over it
            async with self._changed:
                self._take(json.loads(line))
                self._changed.notify_all()

    def _take(self, answer: dict[str, Any]) -> None:
        match answer:
            case {"ready": True}:
                self.ready = True
            case {"submitted": job_id, "seed": seed}:
                self.submitted[job_id] = seed
            case {"painted": job_id}:
                self.painted.append(job_id)
            case {"failed": job_id, "error": error}:
                self.failed[job_id] = str(error)
            case {"here": names}:
                self.here = set(names)
            case {"done": what}:
                self.done.append(what)


def free_port() -> int:
    """A port of the loopback on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
