"""A worker on another machine paints, and whatever gets in between costs no picture."""

import asyncio
from pathlib import Path

from PIL import Image

from engine.devices.device_host import DeviceDied
from engine.devices.messages import RunJob
from engine.jobs.job import JobEvent, JobState
from tests.engine.cluster.painter import PREVIEW, Painter, picture
from tests.engine.cluster.sides import Bot, Place, open_bot, open_worker, until


async def test_it_paints_what_the_seed_says(bot: Bot, painter: Painter) -> None:
    event = await bot.painted(seed=5, count=2, width=96)
    for seed, file in zip((5, 6), event.pictures, strict=True):
        with Image.open(file) as image:
            assert image.tobytes() == picture(seed, 96, 64).data
    [worker] = bot.cluster.workers
    assert [device.pictures_last_day for device in worker.devices] == [2]
    assert not bot.cluster.refusals.counts


async def test_progress_and_previews_come_through(bot: Bot, painter: Painter) -> None:
    painter.brush.clear()
    job = await bot.push()
    events: list[JobEvent] = []

    async def watch() -> None:
        events.extend([event async for event in bot.events.watch(job.id)])

    watching = asyncio.create_task(watch())
    await until(lambda: bool(painter.begun))
    painter.brush.set()
    await asyncio.wait_for(watching, 60)
    assert PREVIEW in [event.preview for event in events]
    assert painter.begun[0].job.recipe.prompt == "a red house"


async def test_pictures_larger_than_a_message_arrive(bot: Bot, painter: Painter) -> None:
    """Noise can't be compressed: a megapixel is 3 MB, and a message at most 1 MB."""
    event = await bot.painted(width=1024, height=1024, seed=9)
    with Image.open(event.pictures[0]) as image:
        assert image.tobytes() == picture(9, 1024, 1024).data


async def test_a_cancelled_job_is_dropped_there_and_the_next_one_is_painted(
    bot: Bot, painter: Painter
) -> None:
    painter.brush.clear()
    job = await bot.push()
    await until(lambda: bool(painter.begun))
    assert await bot.dispatcher.cancel(job.id)
    assert (await bot.outcome(job)).state is JobState.CANCELLED
    painter.brush.set()
    await bot.painted()


async def test_another_size_is_refused_counted_and_painted_elsewhere(
    bot: Bot, painter: Painter, place: Place, tmp_path: Path, model: Path
) -> None:
    painter.painted = lambda command: (picture(1, 32, 32),)
    job = await bot.push(seed=1)
    await until(lambda: bot.cluster.refusals.total("another size") == 1)
    assert len(bot.dispatcher.waiting) == 1, "nothing is lost"
    other = Painter()
    async with open_worker(place.invitation("cellar"), tmp_path / "other", model, other):
        event = await bot.outcome(job)
    assert event.state is JobState.PAINTED
    with Image.open(event.pictures[0]) as image:
        assert image.size == (64, 64)


async def test_a_worker_that_stops_gives_its_jobs_back(
    bot: Bot, place: Place, tmp_path: Path, model: Path
) -> None:
    first, second = Painter(), Painter()
    first.brush.clear()
    async with open_worker(place.invitation(), tmp_path / "worker", model, first):
        await bot.until_here("attic")
        job = await bot.push(seed=3)
        await until(lambda: bool(first.begun))
    await bot.until_here()
    async with open_worker(place.invitation("cellar"), tmp_path / "other", model, second):
        event = await bot.outcome(job)
    with Image.open(event.pictures[0]) as image:
        assert image.tobytes() == picture(3, 64, 64).data
    assert (await bot.jobs.get(job.id)).attempts == 0, "nobody is to blame"


async def test_a_device_that_dies_over_a_job_gives_it_back_with_blame(
    bot: Bot, painter: Painter
) -> None:
    painter.brush.clear()
    job = await bot.push()
    await until(lambda: bool(painter.begun))
    painter.die(DeviceDied(-11))
    painter.brush.set()
    assert (await bot.outcome(job)).state is JobState.PAINTED
    assert len(painter.begun) == 2
    again = painter.begun[1]
    assert isinstance(again, RunJob)
    assert again.alone, "it shares no batch now"
    assert (await bot.jobs.get(job.id)).attempts == 1


async def test_files_travel_once_and_arrive_whole(bot: Bot, painter: Painter) -> None:
    image = bot.uploads.keep_image(Image.effect_noise((600, 600), 50).convert("RGB"))
    for seed in (1, 2):
        await bot.painted(seed=seed, image=image, strength=0.5)
    files = [command.image for command in painter.begun]
    assert files[0] == files[1]
    assert files[0] is not None
    assert files[0].read_bytes() == bot.uploads.path(image).read_bytes()
    state = await bot.cluster._client.jetstream().stream_info("OBJ_atelier-attic")
    assert state.state.bytes < 20_000, "what has been fetched is removed from the bucket"


async def test_a_lora_goes_with_the_job(bot: Bot, painter: Painter) -> None:
    file = bot.folder / "loras" / "fox.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"12345678" * 300_000)
    from engine.jobs.recipe import AdapterUse

    await bot.painted(adapters=(AdapterUse("fox", 0.5),))
    [command] = painter.begun
    assert command.job.recipe.adapters == (AdapterUse("fox", 0.5),)


async def test_a_model_that_the_bot_has_not_downloaded_is_as_the_first_worker_has_it(
    place: Place, tmp_path: Path, model: Path
) -> None:
    painter = Painter()
    async with (
        open_bot(place, tmp_path / "bot", "somebody/not-here") as bot,
        open_worker(place.invitation(), tmp_path / "worker", model, painter),
    ):
        await bot.until_here("attic")
        await bot.painted()
        assert not bot.availability.pending, "nothing is downloaded for it"


async def test_a_model_that_has_changed_here_is_compared_again(bot: Bot, painter: Painter) -> None:
    bot.dispatcher.forget("tiny")
    await bot.painted()
    bot.resources.hash_of = lambda resource: "0" * 64  # type: ignore[method-assign]
    bot.dispatcher.forget("tiny")
    job = await bot.push()
    await asyncio.sleep(0.2)
    assert [one.id for one in bot.dispatcher.waiting] == [job.id]


async def test_a_model_with_other_files_is_not_used_and_that_is_said(
    bot: Bot, place: Place, tmp_path: Path, model: Path, caplog: object
) -> None:
    import shutil

    other = tmp_path / "other-model"
    shutil.copytree(model, other)
    config = other / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.00085", "0.00095") + " ")
    painter = Painter()
    async with open_worker(place.invitation(), tmp_path / "worker", other, painter):
        await bot.until_here("attic")
        job = await bot.push()
        await asyncio.sleep(0.3)
        assert not painter.begun
        assert [one.id for one in bot.dispatcher.waiting] == [job.id]
    assert "isn't used on “attic”" in caplog.text  # type: ignore[attr-defined]
