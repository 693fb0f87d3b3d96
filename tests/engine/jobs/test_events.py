"""The board: watchers see the latest, never a backlog, and always the end."""

import asyncio

import pytest

from engine.jobs.events import JobEvents
from engine.jobs.job import JobEvent, JobState


def event(step: int = 0, state: JobState = JobState.RUNNING, job_id: int = 1) -> JobEvent:
    return JobEvent(job_id=job_id, state=state, step=step)


PAINTED = event(10, JobState.PAINTED)


async def collect(job_events: JobEvents, seen: list[JobEvent], job_id: int = 1) -> None:
    async for one in job_events.watch(job_id):
        seen.append(one)


async def test_a_watcher_sees_what_is_and_then_each_change_to_the_end() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    seen: list[JobEvent] = []
    watching = asyncio.create_task(collect(job_events, seen))
    for one in (event(2), event(3), PAINTED):
        await asyncio.sleep(0.01)
        job_events.post(one)
    await watching
    assert seen == [event(1), event(2), event(3), PAINTED]


async def test_a_listener_hears_of_every_job_and_its_failures_are_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_events, heard = JobEvents(), list[JobEvent]()

    def fail(_: JobEvent) -> None:
        raise RuntimeError("not my day")

    job_events.listen(fail)
    job_events.listen(heard.append)
    news = [event(1), event(1, job_id=2), event(2), PAINTED]
    for one in news:
        job_events.post(one)
        job_events.post(one)  # nothing new
    assert heard == [*news, PAINTED], "what is over is forgotten at once"
    assert "A listener failed over the news of job 1" in caplog.text


async def test_a_slow_watcher_skips_to_the_latest() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    seen = []
    async for one in job_events.watch(1):
        seen.append(one)
        if len(seen) == 1:
            for step in range(2, 100):
                job_events.post(event(step))
        else:
            job_events.post(PAINTED)
    assert seen == [event(1), event(99), PAINTED]


async def test_the_end_posted_while_a_watcher_is_busy_is_not_lost() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    seen = []
    async for one in job_events.watch(1):
        seen.append(one)
        job_events.post(PAINTED)
    assert seen == [event(1), PAINTED]


async def test_several_watch_the_same_job() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    seen: tuple[list[JobEvent], ...] = ([], [], [])
    async with asyncio.TaskGroup() as group:
        for one in seen:
            group.create_task(collect(job_events, one))
        await asyncio.sleep(0.01)
        job_events.post(PAINTED)
    assert all(one == [event(1), PAINTED] for one in seen)


async def test_nothing_is_kept_of_a_job_that_is_over() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    watching = asyncio.create_task(collect(job_events, []))
    await asyncio.sleep(0.01)
    job_events.post(PAINTED)
    await watching
    job_events.post(event(2, job_id=2))
    job_events.post(event(2, JobState.FAILED, job_id=2))
    assert job_events.get(1) is None
    assert job_events.get(2) is None
    assert not job_events._latest
    assert not job_events._watchers


async def test_a_watcher_who_goes_away_leaves_nothing_behind() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    watching = asyncio.create_task(collect(job_events, []))
    await asyncio.sleep(0.01)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert not job_events._watchers
    assert job_events[1] == event(1)


async def test_a_job_that_nobody_knows_has_nothing_to_watch() -> None:
    seen: list[JobEvent] = []
    await collect(JobEvents(), seen)
    assert seen == []


async def test_the_same_event_twice_wakes_nobody() -> None:
    job_events = JobEvents()
    job_events.post(event(1))
    seen: list[JobEvent] = []
    watching = asyncio.create_task(collect(job_events, seen))
    await asyncio.sleep(0.01)
    job_events.post(event(1))
    await asyncio.sleep(0.01)
    job_events.post(PAINTED)
    await watching
    assert seen == [event(1), PAINTED]
