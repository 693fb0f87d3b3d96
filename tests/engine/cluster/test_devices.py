"""A worker with several devices, what it tells of them, and of what it lacks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cluster.bot.cluster import Cluster
from engine.cluster.bot.open_cluster import open_cluster
from engine.cluster.protocol.messages import Hello
from engine.cluster.protocol.parts import LackingModel
from engine.cluster.settings import ClusterSettings
from engine.cluster.worker.lacking import how_to_get
from engine.devices.device_host import DeviceDied
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import BatchPlanned
from engine.errors import DeviceUnavailable
from engine.jobs.job import JobState
from engine.memory.device import DeviceFacts, DeviceMemory
from engine.store import WorkerTable
from engine.workers import Workers
from tests.engine.builders import engine_settings, model_settings
from tests.engine.cluster.painter import FACTS, Painter
from tests.engine.cluster.sides import Bot, Place, free_port, open_bot, open_worker, until


class Card(Painter):
    """A painter that is one of several."""

    def __init__(self, number: int, *, there: bool = True) -> None:
        super().__init__()
        self.number = number
        self._there = there

    def facts(self) -> DeviceFacts:
        if not self._there:
            raise DeviceUnavailable("There's no such card.")
        return replace(FACTS, name=f"brush {self.number}")

    async def memory(self) -> DeviceMemory:
        return DeviceMemory("ignored", 10 * self.number, 100)


@asynccontextmanager
async def open_cards(
    place: Place, folder: Path, model: Path, cards: Sequence[Card], batch_size: int = 1
) -> AsyncIterator[None]:
    """A worker with these devices."""
    names = tuple(f"cuda:{number}" for number in range(len(cards)))

    def host(setup: ExecutorSetup) -> Card:
        return cards[names.index(str(setup.settings.device))]

    engine = engine_settings(device=names, batch_size=batch_size)
    invitation = place.invitation()
    async with open_worker(invitation, folder, model, cards[0], engine=engine, make_host=host):
        yield


@pytest.fixture
async def cards(
    place: Place, bot: Bot, tmp_path: Path, model: Path
) -> AsyncIterator[tuple[Card, Card]]:
    both = Card(1), Card(2)
    async with open_cards(place, tmp_path / "worker", model, both):
        await bot.until_here("attic")
        yield both


async def test_one_invitation_serves_several_devices(bot: Bot, cards: tuple[Card, Card]) -> None:
    for card in cards:
        card.brush.clear()
    jobs = [await bot.push(seed=seed) for seed in (1, 2)]
    await until(lambda: all(len(card.begun) == 1 for card in cards))
    names = {device.name for device in bot.dispatcher.devices}
    assert names == {"attic/cpu:0", "attic/cpu:1"}
    for card in cards:
        card.brush.set()
    for job in jobs:
        assert (await bot.outcome(job)).state is JobState.PAINTED


async def test_a_device_that_dies_costs_the_other_one_nothing(
    bot: Bot, cards: tuple[Card, Card]
) -> None:
    for card in cards:
        card.brush.clear()
    jobs = [await bot.push(seed=seed) for seed in (1, 2)]
    await until(lambda: all(len(card.begun) == 1 for card in cards))
    died, other = cards
    died.die(DeviceDied(-9))
    await until(lambda: len(died.begun) == 2)
    for card in cards:
        card.brush.set()
    for job in jobs:
        assert (await bot.outcome(job)).state is JobState.PAINTED
    assert len(other.begun) == 1


async def test_a_cancelled_job_is_dropped_on_its_device(bot: Bot, cards: tuple[Card, Card]) -> None:
    for card in cards:
        card.brush.clear()
    jobs = [await bot.push(seed=seed) for seed in (1, 2)]
    await until(lambda: all(len(card.begun) == 1 for card in cards))
    for job in jobs:
        assert await bot.dispatcher.cancel(job.id)
        assert (await bot.outcome(job)).state is JobState.CANCELLED


async def test_the_memory_of_each_device_is_told(bot: Bot, cards: tuple[Card, Card]) -> None:
    meeting = bot.cluster._here["attic"]
    await until(lambda: all(device.told_memory for device in meeting.devices))
    told = await bot.dispatcher.memory()
    assert told == [
        DeviceMemory("attic/cpu:0", 10, 100),
        DeviceMemory("attic/cpu:1", 20, 100),
    ]
    workers = Workers(bot.dispatcher, WorkerTable(bot.database))
    workers.use(bot.cluster)
    [worker] = await workers.all()
    assert worker.memory == tuple(told)
    assert (worker.card, worker.batch_size) == ("brush 1, brush 2", 2)


async def test_how_many_pictures_a_device_paints_side_by_side_is_told(
    bot: Bot, place: Place, tmp_path: Path, model: Path
) -> None:
    cards = Card(1), Card(2)
    async with open_cards(place, tmp_path / "worker", model, cards, batch_size=2):
        await bot.until_here("attic")
        for seed in (1, 2):
            await bot.outcome(await bot.push(seed=seed))
        assert [device.batch_size for device in bot.dispatcher.devices] == [2, 2]
        cards[1].report(BatchPlanned("another", 1))
        cards[0].report(BatchPlanned("tiny", 1))
        await until(lambda: [device.batch_size for device in bot.dispatcher.devices] == [1, 2])


async def test_a_device_that_is_not_there_is_left_out(
    bot: Bot, place: Place, tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cards = Card(1, there=False), Card(2)
    async with open_cards(place, tmp_path / "worker", model, cards):
        await bot.until_here("attic")
        await bot.painted()
    assert len(cards[1].begun) == 1
    assert "Painting goes on without a device" in caplog.text


async def test_a_bot_of_version_1_is_given_the_first_device(
    bot: Bot, place: Place, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = Cluster._meet

    async def old(self: Cluster, worker: str, hello: Hello) -> object:
        return await meet(self, worker, hello.model_copy(update={"further": []}))

    monkeypatch.setattr(Cluster, "_meet", old)
    cards = Card(1), Card(2)
    async with open_cards(place, tmp_path / "worker", model, cards):
        await bot.until_here("attic")
        for seed in (1, 2):
            await bot.painted(seed=seed)
    assert (len(cards[0].begun), len(cards[1].begun)) == (2, 0)


async def test_a_worker_is_told_which_models_it_lacks_and_how_to_get_them(
    place: Place, tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = {
        "tiny": model_settings(model),
        "far": model_settings("owner/far", revision="a b"),
        "near": model_settings(model),
    }
    async with (
        open_bot(place, tmp_path / "bot", model, models=models) as bot,
        open_worker(place.invitation(), tmp_path / "worker", model, Painter()),
    ):
        await bot.until_here("attic")
        await until(lambda: "“near” isn't here" in caplog.text)
        assert bot.cluster.workers[0].lacking == ("far", "near")
    assert "models add owner/far --name far --revision 'a b'" in caplog.text
    assert "copy them here and add them as “near”" in caplog.text
    assert str(model) not in how_to_get(LackingModel(name="near"))


async def test_a_job_that_nobody_else_can_paint_fails_with_the_third_refusal(
    bot: Bot, place: Place, tmp_path: Path, model: Path
) -> None:
    card = Card(1)
    async with open_cards(place, tmp_path / "worker", model, [card]):
        await bot.until_here("attic")
        card.brush.clear()
        job = await bot.push()
        meeting = bot.cluster._here["attic"]
        [device] = meeting.devices
        for number in range(3):
            await until(lambda: len(card.begun) > number)  # noqa: B023
            [lease] = meeting.leases
            device.give_back(lease, refused=True)
            device._refused[job.id] = number + 1, 0.0  # as if the time were over
            bot.dispatcher.wake()
        event = await bot.outcome(job)
    assert event.state is JobState.FAILED
    assert "“attic” keeps giving this back" in str(event.error)


async def test_a_bot_whose_connection_is_closed_for_good_meets_its_workers_again(
    bot: Bot, tmp_path: Path
) -> None:
    where = ClusterSettings(listen=f"127.0.0.1:{free_port()}")
    async with open_cluster(
        where, tmp_path, bot.dispatcher, bot.resources, bot.hashes, lambda name: Path(name)
    ) as cluster:
        assert cluster is not None
        first = cluster._client
        await first.close()
        await until(lambda: cluster._client is not first and cluster._client.is_connected)
