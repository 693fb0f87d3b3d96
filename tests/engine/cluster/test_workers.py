"""Workers on other machines by name: here, paused and away, through restarts of the bot."""

from pathlib import Path

from engine.store import WorkerTable
from engine.workers import Doing, Workers
from tests.engine.cluster.painter import Painter
from tests.engine.cluster.sides import Bot, Place, open_bot, open_worker


async def workers_of(bot: Bot, folder: Path) -> Workers:
    """As `open_studio` makes them."""
    table = WorkerTable(bot.database)
    workers = Workers(bot.dispatcher, table, await table.paused())
    workers.use(bot.cluster)
    return workers


async def test_a_worker_is_paused_before_it_comes_and_told_about_when_it_has_gone(
    place: Place, tmp_path: Path, model: Path
) -> None:
    painter = Painter()
    async with open_bot(place, tmp_path / "bot", model) as bot:
        workers = await workers_of(bot, tmp_path)
        async with open_worker(place.invitation(), tmp_path / "worker", model, painter):
            await bot.until_here("attic")
            await bot.painted(count=2)
            [worker] = await workers.all()
            assert (worker.name, worker.local, worker.doing) == ("attic", False, Doing.IDLE)
            assert (worker.card, worker.model, worker.batch_size) == ("a brush", "tiny", 4)
            assert worker.pictures_last_day == 2
            await workers.pause("attic")
            [worker] = await workers.all()
            assert (worker.doing, worker.paused_here) == (Doing.PAUSED, True)
        await bot.until_here()
        await workers._note()
        [worker] = await workers.all()
        assert worker.doing is Doing.AWAY
    async with open_bot(place, tmp_path / "bot", model) as bot:
        workers = await workers_of(bot, tmp_path)
        [worker] = await workers.all()
        assert (worker.doing, worker.paused_here) == (Doing.AWAY, True)
        assert worker.pictures_last_day == 2
        job = await bot.push()
        async with open_worker(place.invitation(), tmp_path / "worker", model, painter):
            await bot.until_here("attic")
            assert [one.id for one in bot.dispatcher.waiting] == [job.id]
            await workers.resume("attic")
            await bot.outcome(job)
            [worker] = await workers.all()
            assert worker.doing is Doing.IDLE
            assert worker.pictures_last_day == 3
