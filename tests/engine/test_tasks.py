"""Background tasks are neither lost nor silent."""

import asyncio
import gc
import logging

import pytest

from engine.tasks import Tasks


async def test_a_task_that_nobody_holds_is_not_collected() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    tasks = Tasks()
    tasks.start(work(), "work")
    gc.collect()
    await asyncio.wait_for(done.wait(), 5)
    await tasks.join()
    assert len(tasks) == 0


async def test_an_exception_is_logged_under_the_name_of_the_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        raise ValueError("no")

    tasks = Tasks()
    tasks.start(work(), "keep job 7")
    await tasks.join()
    await asyncio.sleep(0)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "keep job 7" in record.getMessage()


async def test_join_waits_for_tasks_that_were_started_meanwhile() -> None:
    tasks = Tasks()
    ended = []

    async def second() -> None:
        await asyncio.sleep(0.01)
        ended.append("second")

    async def first() -> None:
        tasks.start(second(), "second")
        ended.append("first")

    tasks.start(first(), "first")
    await tasks.join()
    assert ended == ["first", "second"]


async def test_cancel_ends_them_all(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    started = [tasks.start(asyncio.sleep(60), f"sleep {n}") for n in range(3)]
    await tasks.cancel()
    assert all(task.cancelled() for task in started)
    assert not caplog.records
