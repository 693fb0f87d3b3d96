"""Zoom out and pan: more of the picture is painted, and what was there stays."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image

from engine.jobs.job import Parent
from tests.cogs.app import App, image, number, refused, told
from tests.discord_server import Message


async def went_out(app: App, message: Message, menu: str, label: str) -> Message:
    """Bob picks from a menu of buttons, and the result is there."""
    shown = await (await app.press(app.bob, message, menu)).message()
    assert shown.ephemeral
    return await app.done(await (await app.press(app.bob, shown, label)).message())


async def test_a_picture_zoomed_out_is_the_middle_of_one_of_its_size(app: App) -> None:
    side = 43
    async with app.open() as bot:
        message = await app.painted(app.alice, "a red house", seed=5, count=1)
        result = await went_out(app, message, "Zoom out", "Zoom out 1.5×")
        job = await bot.studio.job(number(result))
        assert (job.owner, job.parent) == (str(app.bob.user.id), Parent(1, 0))
        assert job.recipe.prompt == "a red house"
        assert job.recipe.seed != 5
        assert "from picture 1 of job 1" in result.text()
        with image(message.attachments[0]) as before, image(result.attachments[0]) as after:
            assert after.size == before.size
            small = before.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
            corner = (64 - side) // 2
            inner = (corner + 6, corner + 6, corner + side - 6, corner + side - 6)
            kept = after.convert("RGB").crop(inner)
            assert kept.tobytes() == small.crop((6, 6, side - 6, side - 6)).tobytes()


@pytest.mark.parametrize(
    ("label", "size", "kept", "moved"),
    [
        ("Pan right", (96, 64), (0, 0, 56, 64), (0, 0)),
        ("Pan up", (64, 96), (0, 8, 64, 64), (0, 32)),
    ],
)
async def test_a_picture_grows_where_it_is_panned(
    app: App,
    label: str,
    size: tuple[int, int],
    kept: tuple[int, int, int, int],
    moved: tuple[int, int],
) -> None:
    async with app.open():
        message = await app.painted(app.alice, seed=5)
        result = await went_out(app, message, "Pan", label)
        with image(message.attachments[0]) as before, image(result.attachments[0]) as after:
            assert after.size == size
            left, top, right, bottom = kept
            there = (left + moved[0], top + moved[1], right + moved[0], bottom + moved[1])
            assert after.crop(there).tobytes() == before.crop(kept).tobytes()


async def test_a_picture_as_wide_as_its_model_paints_moves_on(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, size="128x64", seed=5)
        result = await went_out(app, message, "Pan", "Pan right")
        with image(message.attachments[0]) as before, image(result.attachments[0]) as after:
            assert after.size == (128, 64)
            kept = after.crop((0, 0, 56, 64))
            assert kept.tobytes() == before.crop((64, 0, 120, 64)).tobytes()


async def test_what_went_out_goes_on_like_any_other_and_again_is_its_own(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        wide = await went_out(app, message, "Pan", "Pan left")
        further = await went_out(app, wide, "Zoom out", "Zoom out 2×")
        assert "from picture 1 of job 2" in further.text()
        again = await (await app.alice.click(further, label="Again")).message()
        jobs = [(await bot.studio.job(number(m))).recipe for m in (further, await app.done(again))]
        assert jobs[0].mask == jobs[1].mask
        assert jobs[0].seed != jobs[1].seed


async def test_old_panels_work_after_a_restart_and_two_clicks_are_two_jobs(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        zoom = await (await app.press(app.bob, message, "Zoom out")).message()
        pan = await (await app.press(app.bob, message, "Pan")).message()
    app.discord.expire_tokens()
    async with app.open():
        first = await app.bob.click(zoom, label="Zoom out 2×")
        second = await app.bob.click(zoom, label="Zoom out 2×")
        third = await app.bob.click(pan, label="Pan up")
        results = [await app.done(await use.message()) for use in (first, second, third)]
        assert len({number(result) for result in results}) == 3


async def test_limits_are_those_of_whoever_clicks(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 1}):
        message = await app.painted(app.alice)
        await went_out(app, message, "Pan", "Pan left")
        shown = await (await app.press(app.bob, message, "Zoom out")).message()
        assert "an hour" in await told(await app.bob.click(shown, label="Zoom out 2×"))


async def test_a_picture_whose_file_or_job_is_gone_gets_a_sentence(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        shown = await (await app.press(app.bob, message, "Pan")).message()
        shutil.rmtree(app.folder / "pictures")
        said = await refused(await app.bob.click(shown, label="Pan left"))
        assert said.startswith("This picture's file is gone")
        said = await refused(await app.press(app.bob, message, "Inpaint"))
        assert said.startswith("This picture's file is gone")
        await bot.studio.delete(1)
        use = await app.bob.click(shown, label="Pan left")
        assert (await use.message()).text().startswith("Job 1 doesn't exist")
