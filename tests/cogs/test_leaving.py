"""Leaving and coming back: nothing that was asked for is lost, nothing is shown twice."""

from __future__ import annotations

import asyncio

import pytest

from cogs.messages.buttons import JobActions
from tests.cogs.app import PATIENCE, App, seed, told, told_after


async def test_what_was_queued_or_running_is_painted_and_shown_after_the_next_start(
    app: App,
) -> None:
    async with app.open() as bot:
        running = await app.ask(app.alice, model="slow", steps=20)
        await app.discord.until(lambda: "🎨" in running.text(), PATIENCE)
        queued = await app.ask(app.bob, seed=11)
        fixed = (await bot.studio.job(1)).recipe.seed
    assert not running.attachments
    async with app.open() as bot:
        await app.done(running)
        await app.done(queued)
        await app.settled(bot)
    assert app.art.messages == [running, queued]
    assert (seed(running), seed(queued)) == (fixed, 11)


async def test_what_was_waiting_is_shown_although_its_token_expired_meanwhile(
    app: App,
) -> None:
    async with app.open():
        running = await app.occupy()
        queued = await app.ask(app.bob)
    app.discord.expire_tokens()
    async with app.open() as bot:
        await bot.studio.cancel(1)
        await app.done(queued)
        await app.done(running)
    assert app.art.messages == [running, queued]
    assert len(queued.attachments) == 1


async def test_the_job_in_hand_is_finished_within_the_grace_and_shown(app: App) -> None:
    async with app.open(engine={"grace": 30.0}) as bot:
        running = await app.ask(app.alice, model="slow", steps=15)
        await app.discord.until(lambda: "🎨" in running.text(), PATIENCE)
        queued = await app.ask(app.bob)
        await bot.close()
        assert {"Again", "Delete"} <= set(running.labels)
        assert queued.labels == ["Cancel"]
        [left] = await bot.studio.undelivered()
        assert left.state == "queued"
    async with app.open():
        await app.done(queued)
    assert app.art.messages == [running, queued]


async def test_while_it_leaves_it_refuses_kindly_commands_and_clicks_alike(app: App) -> None:
    async with app.open(engine={"grace": 30.0}) as bot:
        painted = await app.painted(app.alice)
        running = await app.occupy()
        leaving = asyncio.create_task(bot.close())
        await asyncio.sleep(0.05)
        kind = "I'm restarting. Try again in a minute; queued jobs are kept."
        assert await told(await app.alice.slash(app.art, "imagine", prompt="x")) == kind
        for label in ("Again", "Delete"):
            assert await told_after(await app.press(app.alice, painted, label)) == kind
        assert [job.id for job in await bot.studio.undelivered()] == [2]
        await bot.studio.cancel(2)
        await leaving
        assert "Cancelled." in running.text()


async def test_a_click_that_is_refused_is_not_even_begun(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    async def again(*_: object) -> None:
        begun.append(1)

    async with app.open() as bot:
        painted = await app.painted(app.alice)
        monkeypatch.setitem(bot.services[JobActions]._handlers, "again", again)
        bot.leaving = True
        await told(await app.alice.click(painted, label="Again"))
        bot.leaving = False
    assert begun == []


async def test_a_picture_that_could_not_be_shown_before_the_end_is_shown_after_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.bot.STOP_SECONDS", 0.1)
    async with app.open() as bot:
        message = await app.ask(app.alice, steps=1)
        app.discord.fail_next(method="PATCH", status=503, times=100)
        await app.in_the_folder(bot, 1)
    assert not message.attachments
    app.discord.rest.faults.clear()
    async with app.open() as bot:
        await app.done(message)
        await app.settled(bot)
    assert len(message.attachments) == 1
    assert app.art.messages == [message]


async def test_a_crash_between_showing_and_recording_repeats_an_edit_and_posts_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(job_id: int) -> None:
        await asyncio.sleep(3600)

    async with app.open() as bot:
        monkeypatch.setattr(bot.studio, "mark_delivered", crash)
        monkeypatch.setattr("cogs.bot.STOP_SECONDS", 0.1)
        message = await app.painted(app.alice)
    looks = len(message.looks)
    async with app.open() as bot:
        await app.discord.until(lambda: len(message.looks) > looks)
        await app.settled(bot)
    assert message.looks[-1].text() == message.looks[-2].text()
    assert app.art.messages == [message]


async def test_a_death_before_discord_was_answered_posts_the_picture_anew(
    app: App,
) -> None:
    app.discord.world.acknowledge_within = 0.5
    async with app.open():
        app.discord.fail_next(method="POST", path=r".*/callback", status=404, code=10062, times=2)
        with app.discord.expecting(10015), app.discord.expecting(10062):
            await app.alice.slash(app.art, "imagine", prompt="a red house")
            await app.discord.until(lambda: app.art.messages, PATIENCE)
            message = await app.done(app.art.messages[0])
    assert app.art.messages == [message]
    assert app.alice.mention in message.text()


async def test_closing_twice_is_closing_once(app: App) -> None:
    async with app.open() as bot:
        await app.painted(app.alice)
        await bot.close()
        await bot.close()
