"""Several devices under one queue: who is given what, and what happens when one goes away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.devices.blame import BlameFile
from engine.devices.device_host import DeviceDied, DeviceLost
from engine.devices.dispatcher import Dispatcher
from engine.devices.messages import BatchPlanned, JobFailed, JobPainted, Pixels
from engine.devices.postprocess import Postprocessor
from engine.errors import DeviceUnavailable
from engine.hub import HubClient
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState
from engine.jobs.requester import Requester
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.probe import ModelProbe
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import ClassifierThread
from engine.settings import SafetySettings
from engine.store import Database, JobTable, MeasurementTable, SafetyTable
from tests.call_count import calls
from tests.engine import builders
from tests.engine.builders import engine_settings, model_settings, recipe
from tests.engine.devices.fake_device import FakeHost, black, device, only, profiles

MODELS = ("tiny", "other", "third")


class House:
    """A dispatcher whose devices are attached by the test; everything else is real."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.jobs = JobTable(database, folder)
        self.events = JobEvents()
        settings = engine_settings(grace=0.0, patience=60.0)
        catalogue = Catalogue({name: model_settings("nobody/here") for name in MODELS}, "tiny")
        hub, rules = HubClient(), SafetySettings()
        downloads = DownloadManager(hub)
        self.availability = ModelAvailability(ModelProbe(settings, hub), catalogue, downloads)
        self.availability._on_disk.update(MODELS)
        safety = SafetyChecker(
            rules, SafetyTable(database), self.jobs, ClassifierThread(rules, downloads.classifier)
        )
        pictures = OutputFolder(folder / "pictures")
        self.dispatcher = Dispatcher(
            settings,
            catalogue,
            UploadFolder(folder / "uploads"),
            self.jobs,
            MeasurementTable(database),
            self.events,
            self.availability,
            Postprocessor(self.jobs, pictures, safety, self.events),
        )

    def attach(self, name: str, **changes: Any) -> FakeHost:
        host = FakeHost()
        self.dispatcher.attach(device(name, host, **changes))
        return host

    async def push(self, owner: str = "ada", **changes: Any) -> int:
        job = await self.jobs.add(Requester(owner=owner), recipe(**changes))
        self.dispatcher.push(job)
        return job.id

    async def outcome(self, job_id: int) -> JobEvent:
        async with asyncio.timeout(30):
            return [event async for event in self.events.watch(job_id)][-1]

    async def stored(self, job_id: int, state: JobState) -> Job:
        """The job; it's stored in that state once everything is stored."""
        await self.dispatcher._tasks.join()
        await self.dispatcher._postprocessor._tasks.join()
        job = await self.jobs.get(job_id)
        assert job.state is state
        return job

    def state(self, name: str) -> Any:
        [found] = [one for one in self.dispatcher.devices if one.name == name]
        return found


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Database(tmp_path / "atelier.db") as database:
        house = House(database, tmp_path)
        yield house
        await house.dispatcher.stop()


async def test_every_device_is_kept_busy_in_the_order_of_the_queue(house: House) -> None:
    first, second = house.attach("a"), house.attach("b", batch_size=2)
    jobs = [await house.push() for _ in range(5)]
    assert (first.jobs, second.jobs) == (jobs[:1], jobs[1:3])
    assert [job.id for job in house.dispatcher.waiting] == jobs[3:]
    second.paint(jobs[2])
    first.paint(jobs[0])
    assert (first.jobs, second.jobs) == ([jobs[0], jobs[4]], jobs[1:4])
    for host, job in (first, jobs[4]), (second, jobs[1]), (second, jobs[3]):
        host.paint(job)
    for job in jobs:
        assert (await house.stored(job, JobState.PAINTED)).pictures
    assert (house.state("a").pictures, house.state("b").pictures_last_day) == (2, 3)


async def test_a_device_has_no_more_jobs_than_its_memory_plan_paints_side_by_side(
    house: House,
) -> None:
    """The others stay in the queue, where turns are fair, and times are told as it paints."""
    host = house.attach("a", batch_size=4, profiles=profiles(1.0))
    jobs = [await house.push()]
    host.say(BatchPlanned("tiny", 1))
    jobs += [await house.push(), await house.push()]
    assert host.jobs == jobs[:1]
    assert [house.events[job].seconds_left for job in jobs[1:]] == [8.0, 12.0]
    host.progress(jobs[0], 2)
    assert house.events[jobs[0]].seconds_left == 2.0
    host.paint(jobs[0])
    assert host.jobs == jobs[:2]
    host.say(BatchPlanned("tiny", 9))
    assert host.jobs == jobs
    others = [await house.push(model="other") for _ in range(5)]
    for job in jobs[1:]:
        host.paint(job)
    assert host.jobs == jobs + others[:4], "another model has another plan"
    assert house.state("a").batch_size == 4


async def test_jobs_wait_for_a_device_to_be_attached(house: House) -> None:
    job = await house.push()
    assert house.events[job].position == 1
    assert house.events[job].seconds_left is None
    host = house.attach("late")
    assert host.jobs == [job]
    with pytest.raises(ValueError, match="late"):
        house.attach("late")


# ------------------------------------------------------------------------ where it's finished first


async def test_a_job_goes_where_its_model_is_loaded(house: House) -> None:
    first, second = house.attach("a"), house.attach("b")
    jobs = [await house.push(model="tiny"), await house.push(model="other")]
    first.paint(jobs[0])
    second.paint(jobs[1])
    assert (await house.push(model="other"), await house.push(model="tiny")) == (3, 4)
    assert (first.jobs, second.jobs) == ([1, 4], [2, 3])


async def test_a_job_is_held_for_a_busy_device_that_still_finishes_it_first(house: House) -> None:
    """Four steps: 4 s here and 400 s there; two waiting jobs are no reason to begin there."""
    fast = house.attach("fast", profiles=profiles(1.0))
    slow = house.attach("slow", profiles=profiles(100.0))
    jobs = [await house.push() for _ in range(3)]
    assert (fast.jobs, slow.jobs) == (jobs[:1], [])
    left = [house.events[job].seconds_left for job in jobs[1:]]
    assert left == [8.0, 12.0]
    fast.progress(jobs[0], 2)
    house.dispatcher.wake()
    assert [house.events[job].seconds_left for job in jobs[1:]] == [6.0, 10.0]


async def test_a_long_line_makes_the_slow_device_worth_it(house: House) -> None:
    fast = house.attach("fast", profiles=profiles(1.0))
    slow = house.attach("slow", profiles=profiles(5.0))
    jobs = [await house.push() for _ in range(8)]
    assert fast.jobs == jobs[:1]
    assert slow.jobs == [jobs[4]], "the fast one would need 20 s for five, the slow one for one"
    assert [house.events[job].seconds_left for job in jobs[1:4]] == [8.0, 12.0, 16.0]


async def test_a_job_is_not_held_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that hangs keeps nothing from the others for longer than they would have taken."""
    fast = house.attach("fast", profiles=profiles(1.0))
    slow = house.attach("slow", profiles=profiles(100.0))
    jobs = [await house.push() for _ in range(2)]
    now = asyncio.get_running_loop().time
    ahead = 0.0
    monkeypatch.setattr(house.dispatcher._assignment, "_clock", lambda: now() + ahead)
    ahead = 390.0
    house.dispatcher.wake()
    assert slow.jobs == []
    ahead = 410.0
    house.dispatcher.wake()
    assert (fast.jobs, slow.jobs) == (jobs[:1], jobs[1:])


async def test_a_job_that_was_held_for_too_long_is_not_asked_about_all_the_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device where it might begin is busy by then; nothing happens until that one is done."""
    now = 0.0
    monkeypatch.setattr(house.dispatcher._assignment, "_clock", lambda: now)
    house.attach("fast", profiles=profiles(1.0), can_paint=only("tiny"))
    slow = house.attach("slow", profiles=profiles(100.0, None, *MODELS))
    held = [await house.push() for _ in range(2)][-1]
    await house.push(model="other")
    now = 410.0
    house.dispatcher.wake()
    assert house.dispatcher._assignment.seconds_to_next() is None
    slow.paint(slow.jobs[0])
    assert slow.jobs[-1] == held


async def test_loading_counts(house: House) -> None:
    """Both paint alike; where the model isn't loaded, that takes 30 s, the rest of a job 4 s."""
    times = [profiles(1.0, 30.0, *MODELS) for _ in range(2)]
    first = house.attach("a", profiles=times[0])
    second = house.attach("b", profiles=times[1])
    jobs = [await house.push(model="tiny") for _ in range(2)]
    assert (first.jobs, second.jobs) == (jobs[:1], [])
    assert house.events[jobs[1]].seconds_left == 8.0
    job = await house.push(model="other")
    assert second.jobs == [job]


async def test_times_that_nobody_knows_count_as_equal(house: House) -> None:
    known = house.attach("known", profiles=profiles(1.0))
    new = house.attach("new")
    jobs = [await house.push() for _ in range(2)]
    assert (known.jobs, new.jobs) == (jobs[:1], jobs[1:]), "the new one is tried, and measured"


async def test_a_job_goes_only_to_a_device_that_can_paint_it(house: House) -> None:
    first = house.attach("a", can_paint=only("tiny"))
    second = house.attach("b", can_paint=only("other"))
    jobs = [await house.push(model=model) for model in ("other", "other", "third", "tiny")]
    assert (first.jobs, second.jobs) == ([jobs[3]], [jobs[0]])
    positions = {job: house.events[job] for job in jobs[1:3]}
    assert [event.position for event in positions.values()] == [1, 2]
    assert positions[jobs[2]].seconds_left is None
    third = house.attach("c")
    assert third.jobs == [jobs[1]], "the order of the queue stays"
    third.paint(jobs[1])
    assert third.jobs == jobs[1:3]


async def test_what_nobody_can_paint_keeps_nobody_else_waiting(house: House) -> None:
    """However many there are: here more than are looked at one by one."""
    host = house.attach("a", can_paint=only("tiny"))
    for _ in range(200):
        house.dispatcher._queue.push(
            await house.jobs.add(Requester(owner="eve"), recipe(model="third"))
        )
    job = await house.push("bob")
    assert host.jobs == [job]


async def test_one_job_that_nobody_can_paint_does_not_stop_its_model(house: House) -> None:
    host = house.attach("a", can_paint=lambda job: job.recipe.seed != 13)
    await house.push(seed=13)
    job = await house.push("bob")
    assert host.jobs == [job]


async def test_the_order_is_the_same_with_one_device_or_ten(house: House) -> None:
    hosts = [house.attach(f"d{n}") for n in range(10)]
    for _ in hosts:
        await house.push("greedy")
    waiting = [await house.push(f"user {n % 4}", count=1 + n % 3) for n in range(12)]
    order = [job.id for job in house.dispatcher.waiting]
    assert sorted(order) == waiting
    begun = []
    for n, host in enumerate(hosts):
        host.paint(host.jobs[-1])
        begun.append(hosts[n].jobs[-1])
    assert begun == order[:10]


# ---------------------------------------------------------------------------------------- patience


async def test_a_device_is_not_kept_for_one_model_when_another_is_only_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(house.dispatcher._assignment, "_clock", lambda: now)
    both = house.attach("both", batch_size=2, can_paint=only("tiny", "other"))
    tiny = house.attach("tiny", can_paint=only("tiny"))
    for _ in range(3):
        await house.push("bob")
    assert (len(both.jobs), len(tiny.jobs)) == (2, 1)
    rare = await house.push("ada", model="other")
    more = [await house.push("bob") for _ in range(6)]
    both.paint(both.jobs[0])
    assert both.jobs[-1] == more[0], "it may overtake for a while"
    now = 61.0
    both.paint(both.jobs[1])
    assert both.jobs[-1] == more[0], "no longer"
    tiny.paint(tiny.jobs[0])
    assert tiny.jobs[-1] == more[1], "the other device goes on"
    both.paint(more[0])
    assert both.jobs[-1] == rare
    assert house.state("both").model == "other"


async def test_a_model_is_loaded_meanwhile_on_one_device_only(house: House) -> None:
    first, second = house.attach("a"), house.attach("b")
    for model in ("tiny", "tiny", "other", "third"):
        await house.push(model=model)
    assert (first.preloads, second.preloads) == (["other"], ["third"])


# ------------------------------------------------------------------------ devices that come and go


async def test_what_a_detached_device_was_painting_is_painted_elsewhere(house: House) -> None:
    gone = house.attach("gone", batch_size=2)
    jobs = [await house.push("ada") for _ in range(2)]
    later = await house.push("ada")
    await house.dispatcher.detach("gone")
    assert gone.stopped
    assert [job.id for job in house.dispatcher.waiting] == [*jobs, later], "in front again"
    gone.report(JobPainted(jobs[0], (black(),)))
    assert (await house.stored(jobs[0], JobState.QUEUED)).attempts == 0
    host = house.attach("back", batch_size=3)
    assert host.jobs == [*jobs, later]
    assert host.job(jobs[0]).recipe.seed == gone.job(jobs[0]).recipe.seed
    for job in host.jobs:
        host.paint(job)
        assert (await house.outcome(job)).state is JobState.PAINTED
    with pytest.raises(KeyError):
        await house.dispatcher.detach("gone")


async def test_who_was_interrupted_is_not_charged_twice(house: House) -> None:
    host = house.attach("a")
    await house.push("ada", num_inference_steps=50)
    others = [await house.push("bob", num_inference_steps=40) for _ in range(2)]
    await house.dispatcher.detach("a")
    host = house.attach("b")
    order = [job.id for job in house.dispatcher.waiting]
    assert (host.jobs, order) == ([1], others)


async def test_a_lost_device_blames_nobody(house: House) -> None:
    open_ = {"lost": True}
    lost = house.attach("lost", accepts=lambda: open_["lost"])
    jobs = [await house.push() for _ in range(2)]
    other = house.attach("other")
    open_["lost"] = False
    lost.crash(DeviceLost("the network is gone"))
    assert other.jobs == jobs[1:], "it is busy"
    assert [job.id for job in house.dispatcher.waiting] == jobs[:1]
    other.paint(jobs[1])
    assert other.jobs == [jobs[1], jobs[0]]
    assert other.job(jobs[0]).attempts == 0
    open_["lost"] = True
    late = await house.push()
    assert lost.jobs == [jobs[0], late]


async def test_a_device_that_dies_blames_what_it_was_busy_with(house: House) -> None:
    host = house.attach("a", batch_size=2)
    job = await house.push()
    host.crash(DeviceDied(-9))
    await house.stored(job, JobState.RUNNING)
    assert host.jobs == [job, job]
    assert host.job(job).attempts == 1
    assert (await house.jobs.get(job)).attempts == 1


async def test_a_cancelled_job_of_a_lost_device_is_over(house: House) -> None:
    host = house.attach("a")
    job = await house.push()
    watching = asyncio.create_task(house.outcome(job))
    await asyncio.sleep(0)
    assert await house.dispatcher.cancel(job)
    assert host.cancelled == [job]
    await house.dispatcher.detach("a")
    assert (await watching).state is JobState.CANCELLED
    assert not house.dispatcher.waiting


async def test_each_device_records_what_it_is_busy_with(house: House, tmp_path: Path) -> None:
    """What it was busy with when it was detached in order is not to blame."""
    files = [BlameFile.numbered(tmp_path, number) for number in range(3)]
    house.attach("cuda:0", blame=files[0])
    for number, file in enumerate(files):
        file.record([10 + number])
    await house.dispatcher.detach("cuda:0")
    assert BlameFile.take_all(tmp_path) == [11, 12]
    assert BlameFile.take_all(tmp_path) == []


async def test_a_paused_device_finishes_what_it_has_and_gets_no_more(house: House) -> None:
    host = house.attach("a")
    jobs = [await house.push() for _ in range(2)]
    house.dispatcher.pause("a")
    host.paint(jobs[0])
    assert (await house.outcome(jobs[0])).state is JobState.PAINTED
    assert host.jobs == jobs[:1]
    assert house.state("a").paused
    house.dispatcher.resume("a")
    assert host.jobs == jobs


async def test_a_device_is_given_jobs_when_it_asks_for_them(house: House) -> None:
    asks = False
    host = house.attach("remote", accepts=lambda: asks)
    job = await house.push()
    assert host.jobs == []
    assert house.events[job].seconds_left is None
    asks = True
    house.dispatcher.wake()
    assert host.jobs == [job]


# ------------------------------------------------------------------------------- strange reports


@pytest.mark.parametrize(
    "report",
    [
        lambda host, job: host.paint(job),
        lambda host, job: host.drop(job),
        lambda host, job: host.progress(job, 1),
        lambda host, job: host.say(JobFailed(job, "no")),
        lambda host, job: host.say(JobPainted(999, (black(),))),
    ],
)
async def test_reports_on_jobs_that_a_device_does_not_have_are_counted(
    house: House, report: Callable[[FakeHost, int], None]
) -> None:
    host = house.attach("a")
    job = await house.push()
    host.paint(job)
    report(host, job)
    report(host, job)
    assert (await house.outcome(job)).state is JobState.PAINTED
    assert house.state("a").ignored == 2
    assert house.state("a").pictures == 1


@pytest.mark.parametrize(
    "pictures",
    [
        (),
        (black(), black()),
        (black(32, 64),),
        (Pixels(64, 64, b"short"),),
        (Pixels(64, 64, bytes(3 * 64 * 64), "RGBA"),),
    ],
)
async def test_pictures_that_nobody_asked_for_are_not_posted(
    house: House, pictures: tuple[Pixels, ...], caplog: pytest.LogCaptureFixture
) -> None:
    host = house.attach("a")
    job, after = await house.push(), await house.push()
    host.report(JobPainted(job, pictures))
    event = await house.outcome(job)
    assert (event.state, event.pictures) == (JobState.FAILED, ())
    assert event.error == "What was painted isn't what was asked for. Try again."
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage().startswith(f"a painted something else than job {job}: ")
    assert host.jobs == [job, after]


# ------------------------------------------------------------------------------------------ lending


async def test_one_device_is_lent_while_the_others_paint(house: House) -> None:
    first, second = house.attach("a", local=True), house.attach("b", local=True)
    busy = await house.push()
    assert first.jobs == [busy]
    assert house.dispatcher.lending.idle_seconds > 0
    assert await house.dispatcher.lending.lend() == "b"
    assert second.released
    job = await house.push()
    assert house.dispatcher.lending.idle_seconds > 0, "the other one will paint it"
    assert second.jobs == []
    assert house.state("b").lent
    house.dispatcher.lending.take_back()
    assert second.jobs == [job]


async def test_a_lent_device_is_needed_when_no_other_can_paint(house: House) -> None:
    house.attach("a", local=True)
    house.attach("remote", can_paint=only("tiny"))
    assert await house.dispatcher.lending.lend() == "a"
    await house.push(model="tiny")
    assert house.dispatcher.lending.idle_seconds > 0
    await house.push(model="other")
    assert house.dispatcher.lending.idle_seconds == 0
    house.dispatcher.lending.take_back()


async def test_what_began_just_before_a_device_was_lent_is_painted_afterwards(
    house: House,
) -> None:
    host = house.attach("a", local=True)
    job = await house.push()
    assert await house.dispatcher.lending.lend() == "a"
    assert host.released
    assert house.dispatcher.lending.idle_seconds == 0.0, "somebody waits"
    house.dispatcher.lending.take_back()
    assert host.jobs == [job, job]
    host.paint(job)
    assert (await house.outcome(job)).state is JobState.PAINTED


async def test_a_device_that_is_not_there_is_not_lent(house: House) -> None:
    broken, good = house.attach("a", local=True), house.attach("b", local=True)
    job = await house.push()
    broken.crash(DeviceUnavailable("It isn't there."))
    assert good.jobs == [job]
    assert house.dispatcher.lending.idle_seconds == 0, "the only one left is busy"
    good.paint(job)
    await house.stored(job, JobState.PAINTED)
    assert house.dispatcher.lending.idle_seconds > 0
    assert await house.dispatcher.lending.lend() == "b"
    house.dispatcher.lending.take_back()


async def test_without_a_device_of_ones_own_none_is_lent(house: House) -> None:
    house.attach("remote")
    assert house.dispatcher.lending.idle_seconds == 0
    with pytest.raises(LookupError):
        await house.dispatcher.lending.lend()


# ---------------------------------------------------------------------------------- a long line


async def test_neither_asking_nor_painting_grows_with_what_waits(house: House) -> None:
    """Counted in functions that are called; what waits is told its position now and then."""
    hosts = [house.attach(f"d{n}") for n in range(3)]
    work = []
    for waiting in (1_000, 20_000):
        queue = house.dispatcher._queue
        for number in range(waiting):
            queue.push(builders.job(10**6 + number + len(queue), f"user {number % 500}"))
        asked = [await house.jobs.add(Requester(owner="eve"), recipe()) for _ in range(2)]
        work.append(
            [
                calls(partial(house.dispatcher.push, asked[0])),
                calls(lambda: hosts[0].paint(hosts[0].jobs[-1])),
                calls(lambda: house.dispatcher.open_jobs("eve")),
            ]
        )
    few, many = work
    assert max(many) < 1500
    assert all(after < 2 * before for before, after in zip(few, many, strict=True))


async def test_a_long_line_hears_of_its_positions_before_long(house: House) -> None:
    house.attach("a", profiles=profiles(1.0))
    for _ in range(150):
        await house.push()
    last = await house.push("bob")
    async with asyncio.timeout(30):
        async for event in house.events.watch(last):
            if event.position is not None:
                break
    assert event.position == [each.id for each in house.dispatcher.waiting].index(last) + 1
    assert event.seconds_left is not None


async def test_what_is_held_for_a_device_does_not_keep_it_from_going_on(house: House) -> None:
    """A job for another model comes later; the model in use needn't be loaded again before that."""
    both = house.attach("both", batch_size=2, profiles=profiles(1.0, 30.0, *MODELS))
    house.attach("tiny", can_paint=only("tiny"), profiles=profiles(12.0, 1.0, *MODELS))
    jobs = [await house.push(), await house.push()]
    assert both.jobs == jobs
    await house.push("bob", model="other")
    house.dispatcher.pause("tiny")
    more = await house.push()
    house.dispatcher._slots["tiny"].load.paused = False
    both.paint(jobs[0])
    assert both.jobs[-1] == more, "8 s instead of 49 s, or of 72 s if it were loaded again"
