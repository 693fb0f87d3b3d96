"""Runs a worker: its device, its files and measurements, and the line to the bot."""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain

from engine.cluster.errors import ClusterError, ConnectionLost, require_packages
from engine.cluster.protocol.measurements import card_of, latest
from engine.cluster.protocol.messages import Hello
from engine.cluster.protocol.parts import MAX_CARDS, FurtherCard
from engine.cluster.protocol.subjects import inbox_of
from engine.cluster.server.certificate import certificate_of
from engine.cluster.server.connection import connected
from engine.cluster.server.invitation import Invitation
from engine.cluster.version import program_version
from engine.cluster.worker.agent import WorkerAgent
from engine.cluster.worker.bot_link import BotLink
from engine.cluster.worker.file_cache import FileCache
from engine.cluster.worker.held_jobs import HeldJobs
from engine.cluster.worker.job_files import JobFiles
from engine.cluster.worker.models import ReceivedLoras, WorkerModels
from engine.cluster.worker.painting_device import PaintingDevice, those_there
from engine.cluster.worker.pausing import Pausing
from engine.cluster.worker.setup import WorkerSetup
from engine.devices.local_devices import local_devices
from engine.folder_lock import lock_folder
from engine.memory.measurement import Measurement
from engine.memory.precision import Overflow
from engine.store import Database, MeasurementTable
from engine.tasks import Tasks

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
AGAIN_SECONDS = 3.0
"""Seconds between two tries to reach the server for the first time."""
TELL_SECONDS = 60.0
"""Seconds between two lines in the log that say that it can't be reached."""


async def run_worker(setup: WorkerSetup, stop: asyncio.Event) -> None:
    """Paint for a bot until `stop` is set, through every interruption.

    Raises:
        KeyRefused: When the invitation doesn't count, or no longer.
        ClusterError: When packages are missing, or another server answers.
        DeviceUnavailable: When this machine doesn't have the device of the settings.
        StorageError: When the folder can't be used.
    """
    require_packages()
    stopped = asyncio.create_task(stop.wait())
    working = asyncio.create_task(_run(setup))
    try:
        await asyncio.wait({stopped, working}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        working.cancel()
        await asyncio.wait({working})
    if not working.cancelled():
        working.result()


async def _run(setup: WorkerSetup) -> None:
    """Paint until cancelled, with a new connection whenever one is closed for good."""
    async with AsyncExitStack() as stack:
        stack.enter_context(lock_folder(setup.place))
        saved = await stack.enter_async_context(_SavedMeasurements(setup))
        loras, link, changed = ReceivedLoras(), BotLink(setup.invitation.name), asyncio.Event()
        models = WorkerModels(setup.engine, setup.catalogue, setup.networks, setup.resources, loras)
        found = local_devices(
            setup.executor(loras.catalogue),
            setup.make_host,
            setup.place,
            saved.measurements,
            saved.overflows,
        )
        for device in found:
            stack.push_async_callback(device.host.stop, STOP_SECONDS)
        pausing = Pausing(setup.taken.pause_file, setup.worker.pause_when, lambda: not agent.leases)
        cache = FileCache(setup.place / "files", setup.cache_bytes)
        files = JobFiles(link, cache, lambda: {f for one in devices for f in one.jobs.files})
        devices = [
            PaintingDevice(
                device=device,
                facts=facts,
                jobs=HeldJobs(
                    link,
                    device.host,
                    models,
                    files,
                    device.blame.take,
                    saved.save,
                    pausing.disk_full,
                    changed.set,
                ),
            )
            for device, facts in await those_there(found[:MAX_CARDS])
        ]
        for one in devices:
            stack.push_async_callback(one.jobs.stop)
        hello = partial(_hello, secrets.token_hex(8), devices, models)
        agent = WorkerAgent(link, hello, devices, models, pausing, changed)
        while True:
            try:
                await _work(setup.invitation, link, agent, pausing, changed)
            except ConnectionLost as error:
                log.warning("%s", error)
                await asyncio.sleep(AGAIN_SECONDS)


async def _work(
    invitation: Invitation,
    link: BotLink,
    agent: WorkerAgent,
    pausing: Pausing,
    changed: asyncio.Event,
) -> None:
    """Paint until cancelled. Raises `ConnectionLost`, and as `run_worker`."""
    fatal: asyncio.Future[ClusterError] = asyncio.get_running_loop().create_future()
    async with connected(
        invitation.url,
        invitation.key.seed,
        inbox_of(invitation.name),
        certificate=await _certificate(invitation),
        on_fatal=fatal.set_result,
        on_reconnect=changed.set,
    ) as link.client:
        await _until_one_ends(pausing.watch(), agent.run(), _until_fatal(fatal))


async def _hello(run: str, devices: Sequence[PaintingDevice], models: WorkerModels) -> Hello:
    """What this worker says of itself."""
    first, *others = devices
    offers, pixels = await asyncio.to_thread(models.offers, [one.measured for one in devices])
    known = dict.fromkeys(chain.from_iterable(one.device.profiles for one in devices))
    return Hello(
        run=run,
        program=program_version(),
        batch_size=first.device.batch_size,
        card=card_of(first.facts),
        offers=offers,
        measured=latest(known),
        further=[
            FurtherCard(card=card_of(one.facts), batch_size=one.device.batch_size, most_pixels=most)
            for one, most in zip(others, pixels[1:], strict=True)
        ],
    )


class _SavedMeasurements:
    """What was measured on this machine, which it knows again after a restart."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._database = Database(setup.place / "worker.sqlite3")
        self._table = MeasurementTable(self._database)
        self._tasks = Tasks()

    async def __aenter__(self) -> "_SavedMeasurements":
        await self._database.__aenter__()
        self.measurements = await self._table.all()
        self.overflows = await self._table.overflows()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self._tasks.join()
        await self._database.__aexit__(None, None, None)

    def save(self, one: Measurement | Overflow) -> None:
        """Keep it for the next start."""
        self._tasks.start(self._table.keep(one), "save a measurement")


async def _until_one_ends(*work: Coroutine[None, None, None]) -> None:
    """Do all of it until one ends or fails, or this is cancelled."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            if not task.done():
                task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _until_fatal(fatal: "asyncio.Future[ClusterError]") -> None:
    raise await fatal


async def _certificate(invitation: Invitation) -> str | None:
    """The server's certificate, if it has made it itself; waits until the server is there."""
    if invitation.fingerprint is None:
        return None
    told = -math.inf
    while True:
        try:
            return await certificate_of(invitation.host, invitation.port, invitation.fingerprint)
        except (OSError, TimeoutError, EOFError) as error:
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                log.warning("The bot's machine (%s) can't be reached: %s", invitation.url, error)
            await asyncio.sleep(AGAIN_SECONDS)
