"""The two sides of a cluster, real but for the painting."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.cluster.bot.cluster import Cluster
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Resources
from engine.cluster.protocol.subjects import BOT_INBOX
from engine.cluster.server.certificate import Certificate, kept_certificate
from engine.cluster.server.configuration import server_config
from engine.cluster.server.connection import connected
from engine.cluster.server.invitation import Invitation
from engine.cluster.server.keys import Key, new_key
from engine.cluster.server.nats_server import server_program
from engine.cluster.worker.run_worker import run_worker
from engine.cluster.worker.setup import WorkerSetup
from engine.devices.device_host import DeviceHost
from engine.devices.dispatcher import Dispatcher
from engine.devices.postprocess import Postprocessor
from engine.hub import HubClient
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.requester import Requester
from engine.models.adapters import AdapterCatalogue
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.probe import ModelProbe
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import ClassifierThread
from engine.settings import ModelSettings, SafetySettings
from engine.store import Database, JobTable, MeasurementTable, SafetyTable
from tests.engine.builders import engine_settings, model_settings, recipe

SILENCE = 1.5
"""Seconds after which a worker counts as gone here; it beats every second."""


@dataclass(frozen=True)
class Place:
    """Where both meet: a running NATS server."""

    port: int
    bot: Key
    workers: dict[str, Key]
    certificate: Certificate

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pem(self) -> str:
        return self.certificate.file.read_text("ascii")

    def invitation(self, name: str = "attic", key: Key | None = None) -> Invitation:
        return Invitation(
            host="127.0.0.1",
            port=self.port,
            name=name,
            key=key or self.workers[name],
            fingerprint=self.certificate.fingerprint,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server(folder: Path, *names: str) -> Iterator[Place]:
    """A NATS server for a bot and workers of these names."""
    place = Place(
        free_port(), new_key(), {name: new_key() for name in names}, kept_certificate(folder)
    )
    public = {name: key.public for name, key in place.workers.items()}
    config = folder / "server.conf"
    config.write_text(
        server_config(
            folder, "test", "127.0.0.1", place.port, place.certificate, place.bot.public, public
        )
    )
    with subprocess.Popen([server_program(), "-c", str(config)]) as process:
        try:
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", place.port)).close()
                    break
            yield place
        finally:
            process.terminate()


class Bot:
    """A bot's side: the store, the queue and the cluster."""

    def __init__(
        self, database: Database, folder: Path, models: Mapping[str, ModelSettings]
    ) -> None:
        self.folder = folder
        self.database = database
        self.jobs = JobTable(database, folder)
        self.events = JobEvents()
        self._ended: dict[int, JobEvent] = {}
        self.events.listen(self._hear)
        self.pictures = OutputFolder(folder / "pictures")
        self.uploads = UploadFolder(folder / "uploads")
        self.settings = engine_settings(grace=0.0)
        self.catalogue = Catalogue(models, "tiny")
        self.adapters = AdapterCatalogue(None, folder / "loras")
        hub = HubClient()
        downloads = DownloadManager(hub)
        probe = ModelProbe(self.settings, hub)
        self.availability = ModelAvailability(probe, self.catalogue, downloads)
        rules = SafetySettings()
        safety = SafetyChecker(
            rules, SafetyTable(database), self.jobs, ClassifierThread(rules, downloads.classifier)
        )
        self.dispatcher = Dispatcher(
            self.settings,
            self.catalogue,
            self.uploads,
            self.jobs,
            MeasurementTable(database),
            self.events,
            self.availability,
            Postprocessor(self.jobs, self.pictures, safety, self.events),
        )
        self.hashes = FileHashes()
        self.resources = Resources(
            self.settings, self.catalogue, self.hashes, embeddings=folder / "embeddings"
        )
        self.cluster: Cluster

    async def push(self, **changes: Any) -> Job:
        """Queue a job of somebody with a name, in a place with one."""
        requester = Requester(
            owner="owner-ada", scope="server-of-ada", message_ref={"token": "token-of-ada"}
        )
        job = await self.jobs.add(requester, recipe(**changes))
        self.dispatcher.push(job)
        return job

    async def outcome(self, job: Job) -> JobEvent:
        """What comes, or has come, of a job."""
        await until(lambda: job.id in self._ended)
        return self._ended[job.id]

    def _hear(self, event: JobEvent) -> None:
        if not event.state.waiting:
            self._ended[event.job_id] = event

    async def painted(self, **changes: Any) -> JobEvent:
        """What comes of a new job, which has to be painted."""
        event = await self.outcome(await self.push(**changes))
        assert event.state is JobState.PAINTED, event.error
        return event

    async def until_here(self, *names: str) -> None:
        """Wait until exactly these workers are here."""
        await until(lambda: self.here() == set(names))

    def here(self) -> set[str]:
        """The workers that are here."""
        return {one.name for one in self.cluster.workers if one.devices}


@asynccontextmanager
async def open_bot(
    place: Place,
    folder: Path,
    source: Path | str,
    models: Mapping[str, ModelSettings] | None = None,
    **changes: Any,
) -> AsyncIterator[Bot]:
    """A bot that meets its workers at that place. Leaving it is like a crash: nobody is told."""
    async with (
        Database(folder / "atelier.db") as database,
        connected(place.url, place.bot.seed, BOT_INBOX, certificate=place.pem) as client,
    ):
        bot = Bot(database, folder, models or {"tiny": model_settings(source)})
        await bot.availability.scan()
        bot.cluster = Cluster(
            bot.dispatcher,
            bot.resources,
            bot.hashes,
            lambda name: bot.adapters.file_of(bot.adapters[name]),
            "test",
            **{"silence": SILENCE} | changes,
        )
        await bot.cluster.start(client)
        try:
            yield bot
        finally:
            await client.close()
            await bot.cluster.stop()
            await bot.dispatcher.stop()


@asynccontextmanager
async def open_worker(
    invitation: Invitation,
    folder: Path,
    source: Path | str,
    host: DeviceHost,
    **changes: Any,
) -> AsyncIterator[asyncio.Task[None]]:
    """A worker that paints with that host, until this is left; then it says goodbye."""
    values: dict[str, Any] = {
        "invitation": invitation,
        "engine": engine_settings(),
        "models": {"tiny": model_settings(source)},
        "folder": folder,
        "make_host": lambda setup: host,
    }
    setup = WorkerSetup(**values | changes)
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(setup, stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait({task})


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
