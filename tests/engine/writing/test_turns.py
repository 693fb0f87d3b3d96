"""Who may have something written, when, and how often."""

import asyncio

import pytest

from engine.errors import LimitReached, QueueFull
from engine.writing.turns import MAX_WAITING, MOST, Turns


async def test_one_after_the_other_and_nobody_twice() -> None:
    turns, order = Turns(), list[str]()
    go_on = asyncio.Event()

    async def write(owner: str) -> None:
        async with turns.admitted(owner) as turn, turn:
            await go_on.wait()
            order.append(owner)

    tasks = [asyncio.create_task(write(f"person {number}")) for number in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(LimitReached, match="still writing"):
        await write("person 1")
    with pytest.raises(QueueFull):
        await write("late")
    tasks[1].cancel()
    go_on.set()
    await asyncio.wait(tasks)
    assert order == [f"person {number}" for number in range(MAX_WAITING) if number != 1]
    await write("person 1")


async def test_an_hour_has_so_many() -> None:
    now = 1000.0
    turns = Turns(lambda: now)
    for _ in range(MOST):
        async with turns.admitted("alice") as turn, turn:
            now += 1
    with pytest.raises(LimitReached, match="too much written") as caught:
        async with turns.admitted("alice") as turn, turn:
            pass
    assert caught.value.retry_at == 1000 + 3600
    async with turns.admitted("bob") as turn, turn:
        pass
    now = caught.value.retry_at
    async with turns.admitted("alice") as turn, turn:
        pass
