"""Many prompts at once: the count is shown and confirmed first."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from engine import Job, StorageError, Studio
from engine.store.jobs import insert
from tests.discord_server import Message, Upload

from tests.cogs.app import House, number, refused, settings_line, told_after
from tests.cogs.generate.test_options import picture

FIVE = "{a,b,c,d,e} fish --steps 1 --repeat 2"


async def asked(house: House, prompt: str = FIVE) -> Message:
    """Alice asks for many pictures; the question that comes back to her."""
    use = await house.alice.slash(house.art, "imagine", prompt=prompt)
    question = await use.message()
    assert question.ephemeral
    return question


async def test_more_than_four_jobs_are_asked_about_and_then_painted(house: House) -> None:
    async with house.open() as bot:
        question = await asked(house)
        assert question.text().splitlines() == [
            "**5 prompts, 10 pictures.** Paint them all?",
            *(f"- {letter} fish" for letter in "abcde"),
        ]
        assert question.labels == ["Paint 10 pictures", "Cancel"]
        assert bot.studio.queue() == []
        await house.alice.click(question, label="Paint 10 pictures")
        await house.discord.until(lambda: question.text() == "Queued: 5 jobs.")
        assert question.labels == []
        for message in house.art.messages:
            await house.done(message)
            assert len(message.attachments) == 2
        assert [number(message) for message in house.art.messages] == [1, 2, 3, 4, 5]


async def test_who_does_not_want_them_after_all_pays_nothing(house: House) -> None:
    async with house.open() as bot:
        question = await asked(house)
        await house.alice.click(question, label="Cancel")
        assert question.text() == "Nothing is painted."
        assert await bot.studio.unsettled() == []


async def test_it_outlives_a_restart_with_its_picture_and_two_clicks_paint_once(
    house: House,
) -> None:
    async with house.open():
        upload = Upload("house.png", picture())
        prompt = "{a,b,c,d,e} fish"
        use = await house.alice.slash(
            house.art, "imagine", prompt=prompt, image=upload, strength=0.5
        )
        question = await use.followup()
        assert question.ephemeral
        assert use.interaction.original is not None
        assert use.interaction.original.deleted
    async with house.open():
        uses = await asyncio.gather(
            *(house.alice.click(question, label="Paint 5 pictures") for _ in range(2))
        )
        late = uses[0] if uses[0].response == 4 else uses[1]
        assert (await told_after(late)).startswith("This is answered already, or too old")
        await house.discord.until(lambda: len(house.art.messages) == 5)
        for message in house.art.messages:
            await house.done(message)
            assert settings_line(message)[-1] == "from a picture, strength 0.5"


async def test_only_the_last_question_of_a_person_is_open(house: House) -> None:
    async with house.open() as bot:
        first = await asked(house)
        await asked(house)
        use = await house.alice.click(first, label="Paint 10 pictures")
        assert (await told_after(use)).startswith("This is answered already, or too old")
        assert await bot.studio.unsettled() == []


async def test_what_would_be_refused_is_not_even_asked_about(house: House) -> None:
    async with house.open(limits={"waiting_jobs": 4}):
        refusal = await house.ask(house.alice, FIVE)
        assert refusal.text() == "These are 5 jobs; you may have 4 open at a time."


async def test_the_limits_at_the_click_count_and_the_question_stays_open(house: House) -> None:
    async with house.open(limits={"pictures_per_hour": 10}) as bot:
        question = await asked(house)
        await house.painted(house.alice)
        for _ in range(2):
            use = await house.alice.click(question, label="Paint 10 pictures")
            assert "of your 10 pictures an hour 9 are left" in await told_after(use)
        assert bot.studio.queue() == []


async def test_no_picture_is_kept_from_a_refused_prompt(house: House) -> None:
    async with house.open():
        upload = Upload("house.png", picture())
        use = await house.alice.slash(
            house.art, "imagine", prompt="{a,b,c,d,e} fish", image=upload, steps=1, size="40x41"
        )
        assert "The height is 41 pixels" in await refused(use)


async def test_what_takes_long_to_check_is_acknowledged_first_to_that_person_alone(
    house: House,
) -> None:
    async with house.open():
        prompt = "{a,b,c,d,e,f,g,h,i} fish --steps 1"
        use = await house.alice.slash(house.art, "imagine", prompt=prompt)
        assert use.response == 5
        question = await use.message()
        assert (question.ephemeral, question.labels[0]) == (True, "Paint 9 pictures")


async def test_a_disk_that_is_full_queues_none_and_leaves_the_question_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [1, 2]

    async def full(*values: Any, **more: Any) -> Job:
        if not room:
            raise sqlite3.OperationalError("database or disk is full")
        room.pop()
        return await insert(*values, **more)

    async with house.open() as bot:
        question = await asked(house)
        with monkeypatch.context() as patch:
            patch.setattr("engine.store.jobs.insert", full)
            use = await house.alice.click(question, label="Paint 10 pictures")
            assert "disk is full" in await told_after(use)
        assert await bot.studio.unsettled() == []
        await house.alice.click(question, label="Paint 10 pictures")
        await house.discord.until(lambda: question.text() == "Queued: 5 jobs.")
        await house.settled(bot)


async def test_what_is_queued_is_not_offered_again_because_of_a_later_error(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = [1]
    set_home = Studio.set_home

    async def failing(studio: Studio, job_id: int, home: Any) -> None:
        if fails:
            fails.pop()
            raise StorageError("The disk is full.")
        await set_home(studio, job_id, home)

    monkeypatch.setattr(Studio, "set_home", failing)
    async with house.open() as bot:
        question = await asked(house)
        await house.alice.click(question, label="Paint 10 pictures")
        await house.discord.until(lambda: question.text() == "Queued: 5 jobs.")
        assert question.labels == []
        for message in house.art.messages:
            await house.done(message)
        assert [number(message) for message in house.art.messages] == [1, 2, 3, 4, 5]
        await house.settled(bot)
