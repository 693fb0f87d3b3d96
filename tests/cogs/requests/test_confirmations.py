"""Many prompts at once are confirmed before they are queued."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from engine import Job, StorageError, Studio
from engine.store.jobs import insert
from tests.cogs.app import App, number, settings_line, told, told_after
from tests.cogs.generate.test_options import picture
from tests.discord_server import Message, Upload

FIVE = "{a,b,c,d,e} fish --steps 1 --repeat 2"


async def ask_for_many(app: App, prompt: str = FIVE) -> Message:
    """The question when Alice requests many pictures."""
    use = await app.alice.slash(app.art, "imagine", prompt=prompt)
    question = await use.message()
    assert question.ephemeral
    return question


async def test_more_than_four_jobs_are_confirmed_and_then_painted(app: App) -> None:
    async with app.open() as bot:
        question = await ask_for_many(app)
        assert question.text().splitlines() == [
            "**5 prompts, 10 pictures.** Paint them all?",
            *(f"- {letter} fish" for letter in "abcde"),
        ]
        assert question.labels == ["Paint 10 pictures", "Cancel"]
        assert bot.studio.queue() == []
        await app.alice.click(question, label="Paint 10 pictures")
        await app.discord.until(lambda: question.text() == "Queued: 5 jobs.")
        assert question.labels == []
        for message in app.art.messages:
            await app.done(message)
            assert len(message.attachments) == 2
        assert [number(message) for message in app.art.messages] == [1, 2, 3, 4, 5]


async def test_cancelling_costs_nothing(app: App) -> None:
    async with app.open() as bot:
        question = await ask_for_many(app)
        await app.alice.click(question, label="Cancel")
        assert question.text() == "Cancelled. Nothing will be painted."
        assert await bot.studio.undelivered() == []


async def test_a_question_outlives_a_restart_and_two_clicks_paint_once(
    app: App,
) -> None:
    async with app.open():
        upload = Upload("house.png", picture())
        prompt = "{a,b,c,d,e} fish"
        use = await app.alice.slash(app.art, "imagine", prompt=prompt, image=upload, strength=0.5)
        question = await use.followup()
        assert question.ephemeral
        assert use.interaction.original is not None
        assert use.interaction.original.deleted
    async with app.open():
        uses = await asyncio.gather(
            *(app.alice.click(question, label="Paint 5 pictures") for _ in range(2))
        )
        late = uses[0] if uses[0].response == 4 else uses[1]
        assert (await told_after(late)).startswith(
            "This question was already answered or has expired"
        )
        await app.discord.until(lambda: len(app.art.messages) == 5)
        for message in app.art.messages:
            await app.done(message)
            assert settings_line(message)[-1] == "start image, strength 0.5"


async def test_only_the_last_question_of_a_user_is_open(app: App) -> None:
    async with app.open() as bot:
        first = await ask_for_many(app)
        await ask_for_many(app)
        use = await app.alice.click(first, label="Paint 10 pictures")
        assert (await told_after(use)).startswith(
            "This question was already answered or has expired"
        )
        assert await bot.studio.undelivered() == []


async def test_what_would_be_refused_is_refused_without_a_question(app: App) -> None:
    async with app.open(limits={"waiting_jobs": 4}):
        refusal = await app.ask(app.alice, FIVE)
        assert refusal.text() == "That's 5 jobs, but you can only have 4 open at a time."


async def test_limits_apply_at_the_click_and_the_question_stays_open(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 10}) as bot:
        question = await ask_for_many(app)
        await app.painted(app.alice)
        for _ in range(2):
            use = await app.alice.click(question, label="Paint 10 pictures")
            assert "you have 9 left of 10 pictures an hour" in await told_after(use)
        assert bot.studio.queue() == []


async def test_an_invalid_size_is_refused_before_the_picture_is_fetched(app: App) -> None:
    async with app.open():
        upload = Upload("house.png", picture())
        use = await app.alice.slash(
            app.art, "imagine", prompt="{a,b,c,d,e} fish", image=upload, steps=1, size="40x41"
        )
        assert "The height is 41 pixels" in await told(use)


async def test_a_slow_check_is_deferred_ephemerally(
    app: App,
) -> None:
    async with app.open():
        prompt = "{a,b,c,d,e,f,g,h,i} fish --steps 1"
        use = await app.alice.slash(app.art, "imagine", prompt=prompt)
        assert use.response == 5
        question = await use.message()
        assert (question.ephemeral, question.labels[0]) == (True, "Paint 9 pictures")


async def test_a_full_disk_queues_nothing_and_leaves_the_question_open(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [1, 2]

    async def full(*values: Any, **more: Any) -> Job:
        if not room:
            raise sqlite3.OperationalError("database or disk is full")
        room.pop()
        return await insert(*values, **more)

    async with app.open() as bot:
        question = await ask_for_many(app)
        with monkeypatch.context() as patch:
            patch.setattr("engine.store.jobs.insert", full)
            use = await app.alice.click(question, label="Paint 10 pictures")
            assert "disk is full" in await told_after(use)
        assert await bot.studio.undelivered() == []
        await app.alice.click(question, label="Paint 10 pictures")
        await app.discord.until(lambda: question.text() == "Queued: 5 jobs.")
        await app.settled(bot)


async def test_queued_jobs_are_not_offered_again_after_a_later_error(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = [1]
    set_message_ref = Studio.set_message_ref

    async def failing(studio: Studio, job_id: int, message_ref: Any) -> None:
        if fails:
            fails.pop()
            raise StorageError("The disk is full.")
        await set_message_ref(studio, job_id, message_ref)

    monkeypatch.setattr(Studio, "set_message_ref", failing)
    async with app.open() as bot:
        question = await ask_for_many(app)
        await app.alice.click(question, label="Paint 10 pictures")
        await app.discord.until(lambda: question.text() == "Queued: 5 jobs.")
        assert question.labels == []
        for message in app.art.messages:
            await app.done(message)
        assert [number(message) for message in app.art.messages] == [1, 2, 3, 4, 5]
        await app.settled(bot)
