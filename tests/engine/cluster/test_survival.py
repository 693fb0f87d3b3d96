"""Whatever ends, sleeps or fails in between: no job is lost, none is painted twice for people."""

import asyncio
import errno
import importlib.util
import os
import signal
from pathlib import Path

import psutil
import pytest
from PIL import Image

from engine import open_studio
from engine.cluster.errors import ClusterError
from engine.cluster.protocol import encoding
from engine.cluster.protocol.messages import Paint, Painted, WorkOn
from engine.cluster.protocol.parts import PictureFile
from engine.cluster.protocol.subjects import BOT_INBOX, JOBS, jobs_of
from engine.cluster.server.certificate import kept_certificate
from engine.cluster.server.connection import connected
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.keys import new_key
from engine.cluster.server.nats_server import NatsServer
from engine.cluster.settings import ClusterSettings
from engine.cluster.worker import agent
from engine.cluster.worker.bot_link import BotLink
from engine.cluster.worker.file_cache import FileCache
from engine.cluster.worker.held_jobs import HeldJobs
from engine.cluster.worker.pausing import PauseFile
from engine.devices.attached_device import AttachedDevice
from engine.errors import StorageError
from engine.jobs.job import JobState
from tests.engine.builders import engine_settings, model_settings
from tests.engine.cluster.painter import Painter, shows
from tests.engine.cluster.sides import (
    Bot,
    Place,
    free_port,
    open_bot,
    open_worker,
    running_server,
    until,
)


@pytest.mark.slow
async def test_a_silent_worker_is_gone_and_drops_what_it_has_when_it_is_back(
    bot: Bot, place: Place, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a laptop is closed: nothing is said, and later it goes on where it was."""
    sleeping, awake = Painter(), Painter()
    sleeping.brush.clear()
    silent = asyncio.Event()
    ask = BotLink.ask

    async def asleep(self: BotLink, message: object, seconds: float = 5.0) -> object:
        if self.name == "attic" and silent.is_set():
            await asyncio.sleep(3600)
        return await ask(self, message, seconds)  # type: ignore[arg-type]

    monkeypatch.setattr(BotLink, "ask", asleep)
    async with open_worker(place.invitation(), tmp_path / "worker", model, sleeping):
        await bot.until_here("attic")
        job = await bot.push(seed=4)
        await until(lambda: bool(sleeping.begun))
        silent.set()
        await bot.until_here()
        async with open_worker(place.invitation("cellar"), tmp_path / "other", model, awake):
            event = await bot.outcome(job)
            assert shows(event, 4)
            assert len(awake.begun) == 1


async def test_after_a_reconnect_late_pictures_are_counted_and_not_shown(
    bot: Bot, painter: Painter
) -> None:
    """The bot has parted from a worker that is still painting; its report comes too late."""
    painter.brush.clear()
    job = await bot.push(seed=4)
    await until(lambda: bool(painter.begun))
    await bot.cluster._part("attic", "the test says so")
    painter.brush.set()
    await bot.until_here("attic")
    event = await bot.outcome(job)
    assert shows(event, 4)
    assert len(painter.begun) == 2
    assert (await bot.jobs.get(job.id)).attempts == 0


async def test_repeated_and_late_reports_are_answered_and_counted(
    bot: Bot, painter: Painter
) -> None:
    await bot.painted()
    epoch = bot.cluster._here["attic"].line.epoch
    one = PictureFile(hash="0" * 64, size=1)
    for lease, why in ((1, "doubled"), (99, "late")):
        message = Painted(epoch=epoch, lease=lease, pictures=[one])
        answer = await bot.cluster._answer("attic", encoding.encode(message))
        assert answer is not None
        assert answer.type == "taken"  # type: ignore[attr-defined]
        assert bot.cluster.refusals.total(why) == 1


@pytest.mark.slow
async def test_a_bot_that_is_killed_paints_on_after_its_start(
    place: Place, tmp_path: Path, model: Path
) -> None:
    painter = Painter()
    painter.brush.clear()
    async with open_worker(place.invitation(), tmp_path / "worker", model, painter):
        async with open_bot(place, tmp_path / "bot", model) as first:
            await first.until_here("attic")
            job = await first.push(seed=8)
            await until(lambda: bool(painter.begun))
        async with open_bot(place, tmp_path / "bot", model) as second:
            await second.until_here("attic")
            [again] = [one for one in await second.jobs.undelivered() if one.id == job.id]
            assert again.state.waiting
            painter.brush.set()
            second.dispatcher.push(again)
            event = await second.outcome(again)
            assert shows(event, 8)
            assert not second.cluster.refusals.total("another size")
    assert len(painter.begun) == 2


@pytest.mark.slow
async def test_ten_thousand_stale_jobs_are_thrown_away_at_the_start(
    place: Place, tmp_path: Path, model: Path
) -> None:
    async with connected(place.url, place.bot.seed, "_INBOX_bot", certificate=place.pem) as client:
        async with open_bot(place, tmp_path / "before", model):
            pass
        js = client.jetstream()
        for _ in range(10_000):
            await client.publish(jobs_of("attic"), b"stale")
        await client.flush()
        async with asyncio.timeout(30):
            while (await js.stream_info(JOBS)).state.messages < 10_000:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        async with open_bot(place, tmp_path / "bot", model) as bot:
            assert (await js.stream_info(JOBS)).state.messages == 0
            painter = Painter()
            async with open_worker(place.invitation(), tmp_path / "worker", model, painter):
                await bot.until_here("attic")
                await bot.painted()


@pytest.mark.slow
async def test_a_server_that_is_killed_comes_back_and_the_job_is_painted_once(
    tmp_path: Path, model: Path
) -> None:
    with running_server(tmp_path / "unused", "attic") as keys:
        pass
    invited = InvitedWorkers(tmp_path / "nats")
    invited.add("attic", keys.workers["attic"].public)
    bound = ("127.0.0.1", free_port())
    async with NatsServer(
        tmp_path / "nats", bound, keys.certificate, keys.bot.public, invited
    ) as server:
        place = Place(bound[1], keys.bot, keys.workers, keys.certificate)
        painter = Painter()
        painter.brush.clear()
        async with (
            open_bot(place, tmp_path / "bot", model, silence=30.0) as bot,
            open_worker(place.invitation(), tmp_path / "worker", model, painter),
        ):
            await bot.until_here("attic")
            job = await bot.push(seed=6)
            await until(lambda: bool(painter.begun))
            pid = server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            painter.brush.set()
            event = await bot.outcome(job)
            assert shows(event, 6)
            assert len(painter.begun) == 1, "its picture waited for the server"
            assert server.pid != pid


async def test_a_server_whose_port_is_taken_says_so(place: Place, tmp_path: Path) -> None:
    server = NatsServer(
        tmp_path, ("127.0.0.1", place.port), place.certificate, "U", InvitedWorkers(tmp_path)
    )
    with pytest.raises(ClusterError, match="can't listen on"):
        await server.__aenter__()


async def test_a_studio_starts_a_server_of_its_own_and_says_what_it_lacks(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ClusterSettings(listen=f"127.0.0.1:{free_port()}")
    models = {"tiny": model_settings(model)}

    async def pid() -> int:
        async with open_studio(engine_settings(), models, tmp_path, cluster=where) as studio:
            assert studio.cluster is not None
            assert not studio.cluster.workers
            return int((tmp_path / "cluster" / "server.pid").read_text())

    assert not psutil.pid_exists(await pid())
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "nats" else find(name)
    )
    with pytest.raises(ClusterError, match=r"pip install -e '\.\[cluster\]'"):
        await pid()


async def test_one_invitation_is_for_one_machine(
    bot: Bot,
    painter: Painter,
    place: Place,
    tmp_path: Path,
    model: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_worker(place.invitation(), tmp_path / "second", model, Painter()):
        await until(lambda: "Another worker is here as “attic”" in caplog.text)
    assert bot.here() == {"attic"}
    await bot.painted()


async def test_versions_that_are_too_far_apart_are_said_on_both_sides(
    place: Place,
    bot: Bot,
    tmp_path: Path,
    model: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agent, "UNWELCOME_SECONDS", 0.1)
    init = BotLink.__init__

    def newer(self: BotLink, name: str) -> None:
        init(self, name, encoding.VERSION + 2)

    monkeypatch.setattr(BotLink, "__init__", newer)
    async with open_worker(place.invitation(), tmp_path / "worker", model, Painter()):
        await until(lambda: "The worker “attic” can't join" in caplog.text)
        await until(lambda: "too old for this one" in caplog.text)
    assert "too new for this one" in caplog.text
    assert not bot.here()


async def test_a_version_between_is_understood(
    place: Place, bot: Bot, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init = BotLink.__init__

    def newer(self: BotLink, name: str) -> None:
        init(self, name, encoding.VERSION + 1)

    monkeypatch.setattr(BotLink, "__init__", newer)
    async with open_worker(place.invitation(), tmp_path / "worker", model, Painter()):
        await bot.until_here("attic")
        await bot.painted()


@pytest.mark.slow
async def test_a_worker_whose_disk_is_full_gives_back_what_it_cannot_save(
    bot: Bot,
    painter: Painter,
    place: Place,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(self: FileCache, *_: object) -> None:
        if tmp_path / "worker" in self._folder.parents:
            raise StorageError(os.strerror(errno.ENOSPC))
        await fetch(self, *_)  # type: ignore[arg-type]

    fetch = FileCache.fetch
    monkeypatch.setattr(FileCache, "fetch", full)
    image = bot.uploads.keep_image(Image.new("RGB", (64, 64)))
    job = await bot.push(image=image, strength=0.5, seed=2)
    await until(lambda: bot.cluster.workers[0].pause == "disk full")
    assert not bot.cluster.workers[0].takes_jobs
    async with open_worker(place.invitation("cellar"), tmp_path / "other", model, Painter()):
        event = await bot.outcome(job)
    assert shows(event, 2)


@pytest.mark.slow
async def test_a_paused_worker_gives_its_jobs_back_and_paints_again_later(
    bot: Bot, painter: Painter, tmp_path: Path
) -> None:
    painter.brush.clear()
    job = await bot.push(seed=3)
    await until(lambda: bool(painter.begun))
    file = PauseFile(tmp_path / "worker" / "workers")
    file.set(True)
    await until(lambda: len(bot.dispatcher.waiting) == 1)
    [state] = bot.cluster.workers
    assert (state.takes_jobs, state.pause) == (False, "paused")
    painter.brush.set()
    file.set(False)
    event = await bot.outcome(job)
    assert shows(event, 3)
    assert (await bot.jobs.get(job.id)).attempts == 0


@pytest.mark.slow
async def test_a_job_that_meets_a_paused_worker_comes_back_at_once(
    bot: Bot, painter: Painter, tmp_path: Path
) -> None:
    file = PauseFile(tmp_path / "worker" / "workers")
    file.set(True)
    await until(lambda: not bot.cluster.workers[0].takes_jobs)
    bot.cluster._here["attic"].line.takes = 1  # as if it had paused a moment later
    job = await bot.push(seed=4)
    await until(lambda: [one.id for one in bot.dispatcher.running] == [job.id])
    await until(lambda: [one.id for one in bot.dispatcher.waiting] == [job.id])
    assert not painter.begun
    file.set(False)
    assert shows(await bot.outcome(job), 4)


@pytest.mark.slow
async def test_a_job_that_is_lost_on_its_way_is_found_out(
    bot: Bot, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = HeldJobs.admit
    lost: list[Paint | WorkOn] = []

    def lose(self: HeldJobs, message: Paint | WorkOn) -> None:
        admit(self, message) if lost else lost.append(message)

    monkeypatch.setattr(HeldJobs, "admit", lose)
    monkeypatch.setattr("engine.cluster.bot.remote_device.REFUSED_SECONDS", 0.5)
    assert shows(await bot.outcome(await bot.push(seed=5)), 5)
    assert len(lost) == 1


@pytest.mark.slow
async def test_a_server_that_has_lost_its_streams_gets_new_ones(
    bot: Bot, place: Place, painter: Painter
) -> None:
    async with connected(place.url, place.bot.seed, BOT_INBOX, certificate=place.pem) as client:
        await client.jetstream().delete_stream(JOBS)
    assert shows(await bot.outcome(await bot.push(seed=6)), 6)


async def test_a_server_that_is_not_waited_for_is_ended(tmp_path: Path) -> None:
    server = NatsServer(
        tmp_path,
        ("127.0.0.1", free_port()),
        kept_certificate(tmp_path),
        new_key().public,
        InvitedWorkers(tmp_path),
    )
    starting = asyncio.create_task(server.__aenter__())
    await until(lambda: server.pid is not None or starting.done())
    starting.cancel()
    await asyncio.wait({starting})
    assert server._process is not None
    assert await server._process.wait()


async def test_the_bots_owner_pauses_a_worker_too(bot: Bot, painter: Painter) -> None:
    bot.cluster.pause("attic")
    job = await bot.push()
    assert [one.id for one in bot.dispatcher.waiting] == [job.id]
    [state] = bot.cluster.workers
    assert state.paused_here
    assert not state.takes_jobs
    bot.cluster.resume("attic")
    assert (await bot.outcome(job)).state is JobState.PAINTED


async def test_jobs_go_to_the_machine_that_has_their_model(bot: Bot, painter: Painter) -> None:
    """This machine's own device and a worker share the queue."""
    own = Painter()
    bot.dispatcher.attach(AttachedDevice(name="cpu", host=own, batch_size=4, local=True))
    own.brush.clear()
    painter.brush.clear()
    jobs = [await bot.push(seed=seed, count=4) for seed in (1, 5)]
    outcomes = asyncio.gather(*(bot.outcome(job) for job in jobs))
    await until(lambda: bool(own.begun and painter.begun))
    own.brush.set()
    painter.brush.set()
    assert [event.state for event in await outcomes] == [JobState.PAINTED] * 2


async def test_a_result_for_a_job_that_was_cancelled_is_not_shown(
    bot: Bot, painter: Painter
) -> None:
    painter.brush.clear()
    job = await bot.push()
    await until(lambda: bool(painter.begun))
    commands, painter.send = painter.send, lambda command: None  # type: ignore[method-assign]
    await bot.dispatcher.cancel(job.id)
    painter.brush.set()
    assert (await bot.outcome(job)).state is JobState.CANCELLED
    painter.send = commands  # type: ignore[method-assign]
    assert not list(bot.folder.rglob("*.png"))
