"""What was promised is kept: the program ends at the instant at which Discord has the promise."""

from __future__ import annotations

import sqlite3

import pytest

from tests.cogs.app import PATIENCE, App, number, told, until
from tests.cogs.generate.test_options import picture
from tests.discord_server import Message, Upload

pytestmark = pytest.mark.slow

CALLBACK = r"/interactions/.*/callback"
FOLLOW_UP = r"/webhooks/\d+/[^/]+"
FIVE = "{a,b,c,d,e} fish --steps 1"

LABELS = ["Vary (subtle)", "Upscale 2×", "Upscale 2× (fast)"]


def acts(app: App) -> list[tuple[int]]:
    """The numbers of the acts that are kept."""
    with sqlite3.connect(app.folder / "atelier.db") as database:
        return database.execute("SELECT id FROM acts").fetchall()


async def asked(app: App, command: str, **options: object) -> Message:
    """The question whether to paint that many."""
    return await (await app.alice.slash(app.art, command, **options)).message()


async def test_every_promise_outlives_the_instant_at_which_it_was_given(app: App) -> None:
    """The bot hears nothing more once Discord has taken its deferred answers."""
    steps = {"x": "steps", "x_values": "1, 2"}
    async with app.open():
        home = await app.painted(app.alice, "a house")
        gone = await app.painted(app.bob, "a hut")
        many = await asked(app, "imagine", prompt=FIVE)
        more = await (await app.alice.click(home, label="More…")).message()
        modal = await (await app.alice.click(more, label="Use as start image")).modal()
        before = list(app.art.messages)
        app.discord.never_answer(path=CALLBACK, times=99)
        uses = [
            await app.alice.click(home if label in home.labels else more, label=label)
            for label in LABELS
        ]
        upload = Upload("house.png", picture())
        uses.append(await app.alice.slash(app.art, "imagine", prompt="a barn", image=upload))
        uses.append(await app.alice.submit(modal, {"Prompt": "a mill"}))
        looks = [
            await app.alice.click(more, label="Send to DM"),
            await app.alice.slash(app.art, "history"),
        ]
        paint = await app.alice.click(many, label="Paint 5 pictures")
        await app.bob.click(gone, label="Delete")
        assert {use.response for use in (*uses, *looks, paint)} == {5, 6}
        app.discord.call_off_faults()
    assert len(acts(app)) == len(uses) + len(looks) + 2

    async with app.open() as bot:
        for use in uses:
            message = await use.message(PATIENCE)
            await app.done(message)
            assert message.attachments, message
        for use in looks:
            assert (await use.message(PATIENCE)).text()
        await app.discord.until(lambda: many.text() == "Queued: 5 jobs.", PATIENCE)
        await app.discord.until(lambda: gone.deleted, PATIENCE)
        await app.settled(bot)
        assert len(app.art.messages) == len(before) - 1 + len(uses) + 5
        await until(lambda: kept(app), lambda left: not left)
        grid = await asked(app, "grid", prompt="a tower", **steps)
        app.discord.never_answer(path=CALLBACK, times=99)
        await app.alice.click(grid, label="Paint 2 pictures")
        app.discord.call_off_faults()

    async with app.open() as bot:
        await app.discord.until(lambda: grid.text() == "Queued: a grid of 2 pictures.", PATIENCE)
        await app.done(app.art.messages[-1])


async def kept(app: App) -> list[tuple[int]]:
    return acts(app)


async def test_a_promise_is_kept_once(app: App) -> None:
    """Killed when the job is stored: it isn't stored again, and the person is told."""
    async with app.open() as bot:
        many = await asked(app, "imagine", prompt=FIVE)
        app.discord.never_answer(method="POST", path=FOLLOW_UP, times=1)
        use = await app.alice.click(many, label="Paint 5 pictures")
        await app.discord.until(lambda: len(app.art.messages) == 1)
    assert len(acts(app)) == 1
    async with app.open() as bot:
        notice = await use.followup(1, PATIENCE)
        assert notice.text() == "I was restarted while I answered you. Your request is saved."
        await app.settled(bot)
        assert (await told(await app.alice.click(many, label="Paint 5 pictures"))).startswith(
            "This question was already answered"
        )
        assert await bot.studio.job(5)
        await until(lambda: kept(app), lambda left: not left)


async def test_what_ended_the_program_twice_is_not_begun_a_third_time(app: App) -> None:
    async with app.open():
        app.discord.never_answer(path=CALLBACK)
        upload = Upload("house.png", picture())
        use = await app.alice.slash(app.art, "imagine", prompt="a barn", image=upload)
    with sqlite3.connect(app.folder / "atelier.db") as database:
        database.execute("UPDATE acts SET progress = 'resumed'")
    async with app.open() as bot:
        assert "restarted twice" in (await use.message()).text()
        assert await bot.studio.undelivered() == []
        await until(lambda: kept(app), lambda left: not left)


@pytest.mark.parametrize("what", ["defers", "answers", "opens"])
async def test_an_answer_that_got_lost_is_no_failure(
    app: App, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with app.open():
        home = await app.painted(app.alice)
        fault = app.discord.fail_next(path=CALLBACK, lose_answer=True)
        if what == "opens":
            use = await app.alice.click(home, label="Remix")
            assert await use.modal()
        else:
            label = "Vary (subtle)" if what == "defers" else "Again"
            use = await app.alice.click(home, label=label)
            await app.done(await use.message())
        await app.discord.until(lambda: fault.hits == 1)
        assert not use.followups
        assert "Incident" not in caplog.text


async def test_a_follow_up_whose_answer_got_lost_is_posted_once(app: App) -> None:
    async with app.open() as bot:
        many = await asked(app, "imagine", prompt=FIVE)
        app.discord.fail_next(method="POST", path=FOLLOW_UP, lose_answer=True)
        await app.alice.click(many, label="Paint 5 pictures")
        await app.discord.until(lambda: many.text() == "Queued: 5 jobs.", PATIENCE)
        await app.settled(bot)
        assert [number(message) for message in app.art.messages] == [1, 2, 3, 4, 5]
