"""The board: watchers see the latest, never a backlog, and always the end."""

import asyncio

import pytest

from engine.jobs.events import Board
from engine.jobs.job import JobEvent, JobState


def event(step: int = 0, state: JobState = JobState.RUNNING, job_id: int = 1) -> JobEvent:
    return JobEvent(job_id=job_id, state=state, step=step)


PAINTED = event(10, JobState.PAINTED)


async def collect(board: Board, seen: list[JobEvent], job_id: int = 1) -> None:
    async for one in board.watch(job_id):
        seen.append(one)


async def test_a_watcher_sees_what_is_and_then_each_change_to_the_end() -> None:
    board = Board()
    board.post(event(1))
    seen: list[JobEvent] = []
    watching = asyncio.create_task(collect(board, seen))
    for one in (event(2), event(3), PAINTED):
        await asyncio.sleep(0.01)
        board.post(one)
    await watching
    assert seen == [event(1), event(2), event(3), PAINTED]


async def test_a_slow_watcher_skips_to_the_latest() -> None:
    board = Board()
    board.post(event(1))
    seen = []
    async for one in board.watch(1):
        seen.append(one)
        if len(seen) == 1:
            for step in range(2, 100):
                board.post(event(step))
        else:
            board.post(PAINTED)
    assert seen == [event(1), event(99), PAINTED]


async def test_the_end_posted_while_a_watcher_is_busy_is_not_lost() -> None:
    board = Board()
    board.post(event(1))
    seen = []
    async for one in board.watch(1):
        seen.append(one)
        board.post(PAINTED)
    assert seen == [event(1), PAINTED]


async def test_several_watch_the_same_job() -> None:
    board = Board()
    board.post(event(1))
    seen: tuple[list[JobEvent], ...] = ([], [], [])
    async with asyncio.TaskGroup() as group:
        for one in seen:
            group.create_task(collect(board, one))
        await asyncio.sleep(0.01)
        board.post(PAINTED)
    assert all(one == [event(1), PAINTED] for one in seen)


async def test_nothing_is_kept_of_a_job_that_is_over() -> None:
    board = Board()
    board.post(event(1))
    watching = asyncio.create_task(collect(board, []))
    await asyncio.sleep(0.01)
    board.post(PAINTED)
    await watching
    board.post(event(2, job_id=2))
    board.post(event(2, JobState.FAILED, job_id=2))
    assert board.get(1) is None
    assert board.get(2) is None
    assert not board._latest
    assert not board._watchers


async def test_a_watcher_who_goes_away_leaves_nothing_behind() -> None:
    board = Board()
    board.post(event(1))
    watching = asyncio.create_task(collect(board, []))
    await asyncio.sleep(0.01)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert not board._watchers
    assert board[1] == event(1)


async def test_a_job_that_nobody_knows_has_nothing_to_watch() -> None:
    seen: list[JobEvent] = []
    await collect(Board(), seen)
    assert seen == []


async def test_the_same_event_twice_wakes_nobody() -> None:
    board = Board()
    board.post(event(1))
    seen: list[JobEvent] = []
    watching = asyncio.create_task(collect(board, seen))
    await asyncio.sleep(0.01)
    board.post(event(1))
    await asyncio.sleep(0.01)
    board.post(PAINTED)
    await watching
    assert seen == [event(1), PAINTED]
