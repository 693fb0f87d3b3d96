"""Several requests at once: all of them are taken, or none."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import (
    ImageRequest,
    InvalidRequest,
    Job,
    LimitReached,
    QueueFull,
    RateLimits,
    Requester,
    StorageError,
    Studio,
    open_studio,
)
from engine.store.jobs import insert
from tests.engine.builders import engine_settings, model_settings

FISH = ImageRequest(prompt="a fish", count=2)
BOAT = ImageRequest(prompt="a boat", seed=5)


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    settings = engine_settings(grace=0.0)
    models = {"tiny": model_settings(tiny_model)}
    async with open_studio(settings, models, tmp_path / "data", queue_size=3) as studio:
        await studio.stop()  # nothing has to be painted here
        yield studio


async def test_each_becomes_a_job_in_the_order_of_asking(studio: Studio) -> None:
    jobs = await studio.submit_all([FISH, BOAT], Requester(owner="ada", message_ref=7))
    assert [(job.id, job.recipe.prompt, job.message_ref) for job in jobs] == [
        (1, "a fish", 7),
        (2, "a boat", 7),
    ]
    assert [job.id for job in await studio.undelivered()] == [1, 2]


async def test_the_owners_speed_goes_into_the_recipe(tmp_path: Path) -> None:
    """So a job that is painted after a restart comes out the same, whatever is set by then."""
    for number, speed in enumerate(("exact", "close", "quick"), start=1):
        settings = engine_settings(grace=0.0, speed=speed, default_model="sketch")
        async with open_studio(settings, {}, tmp_path) as studio:
            await studio.stop()
            await studio.submit(BOAT, Requester(owner="ada"))
            recipes = [job.recipe for job in await studio.undelivered()]
            assert [recipe.quick for recipe in recipes] == [False, False, True][:number]


@pytest.mark.parametrize(
    ("requests", "rate_limits", "error"),
    [
        ([FISH, ImageRequest(prompt=" ")], RateLimits(), InvalidRequest),
        ([FISH, FISH], RateLimits(pictures_per_hour=3), InvalidRequest),
        ([FISH, FISH], RateLimits(waiting_jobs=1), InvalidRequest),
        ([BOAT, BOAT, BOAT, BOAT], RateLimits(), QueueFull),
    ],
)
async def test_what_is_too_much_together_is_not_taken_in_part(
    studio: Studio, requests: list[ImageRequest], rate_limits: RateLimits, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await studio.submit_all(requests, Requester(owner="ada", rate_limits=rate_limits))
    assert await studio.undelivered() == []


async def test_what_was_used_before_counts(studio: Studio) -> None:
    rate_limits = RateLimits(pictures_per_hour=4)
    await studio.submit(BOAT, Requester(owner="ada"))
    with pytest.raises(LimitReached):
        await studio.submit_all([FISH, FISH], Requester(owner="ada", rate_limits=rate_limits))
    assert (
        len(
            await studio.submit_all(
                [FISH, BOAT], Requester(owner="ada", message_ref=0, rate_limits=rate_limits)
            )
        )
        == 2
    )


async def test_they_can_be_checked_without_being_taken(studio: Studio) -> None:
    recipes = await studio.check_all([FISH, BOAT], Requester(owner="ada"))
    assert [recipe.count for recipe in recipes] == [2, 1]
    with pytest.raises(InvalidRequest):
        await studio.check_all(
            [FISH], Requester(owner="ada", rate_limits=RateLimits(pictures_per_hour=1))
        )
    assert await studio.undelivered() == []


async def test_a_disk_that_fails_in_between_leaves_none(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [1]

    async def full(*values: Any, **more: Any) -> Job:
        if not room:
            raise sqlite3.OperationalError("database or disk is full")
        room.pop()
        return await insert(*values, **more)

    monkeypatch.setattr("engine.store.jobs.insert", full)
    with pytest.raises(StorageError):
        await studio.submit_all([FISH, BOAT], Requester(owner="ada"))
    assert (await studio.undelivered(), studio.queue()) == ([], [])


async def test_neither_a_person_nor_a_server_fills_the_queue(
    tmp_path: Path, tiny_model: Path
) -> None:
    models = {"tiny": model_settings(tiny_model)}
    async with open_studio(
        engine_settings(grace=0.0), models, tmp_path / "shared", queue_size=80
    ) as studio:
        await studio.stop()
        limits = RateLimits()

        async def ask(owner: str, jobs: int, scope: str = "guild:1") -> None:
            requester = Requester(owner=owner, scope=scope, rate_limits=limits)
            await studio.submit_all([BOAT] * jobs, requester)

        await ask("ada", 36)
        with pytest.raises(LimitReached, match="one person can have 36 there"):
            await ask("ada", 1)
        await ask("bob", 4)
        with pytest.raises(QueueFull, match="its share of the queue"):
            await ask("eve", 1)
        await ask("eve", 1, "guild:2")
