"""Events: the latest state of each open job, for everyone who watches it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from engine.jobs.job import JobEvent
from engine.store import JobTable

log = logging.getLogger(__name__)


class JobEvents:
    """Keeps one event per open job. A watcher gets the latest one, never a backlog."""

    def __init__(self) -> None:
        self._latest: dict[int, JobEvent] = {}
        self._watchers: dict[int, set[asyncio.Event]] = {}
        self._listeners: list[Callable[[JobEvent], None]] = []
        self._closed = False

    def __getitem__(self, job_id: int) -> JobEvent:
        return self._latest[job_id]

    def get(self, job_id: int) -> JobEvent | None:
        """The latest event of the job, if it is open."""
        return self._latest.get(job_id)

    def post(self, event: JobEvent) -> None:
        """Replace the job's latest event and wake its watchers."""
        if event == self._latest.get(event.job_id):
            return
        self._latest[event.job_id] = event
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # the job goes on all the same
                log.exception("A listener failed over the news of job %d", event.job_id)
        for changed in self._watchers.get(event.job_id, ()):
            changed.set()
        if not event.state.waiting and event.job_id not in self._watchers:
            del self._latest[event.job_id]

    def listen(self, listener: Callable[[JobEvent], None]) -> None:
        """Have `listener` called with every event of every job from now on; it may not block."""
        self._listeners.append(listener)

    async def watch(self, job_id: int) -> AsyncIterator[JobEvent]:
        """Yield the latest event of an open job, then each later one, until the job is over.

        The iteration also ends, without an outcome, when `close` is called.
        """
        changed = asyncio.Event()
        watchers = self._watchers.setdefault(job_id, set())
        watchers.add(changed)
        try:
            event = self._latest.get(job_id)
            while event is not None:
                yield event
                if not event.state.waiting:
                    return
                if not self._closed:
                    await changed.wait()
                    changed.clear()
                elif event is self._latest.get(job_id):
                    return
                event = self._latest.get(job_id)
        finally:
            watchers.discard(changed)
            if not watchers:
                self._watchers.pop(job_id, None)
                last = self._latest.get(job_id)
                if last is not None and not last.state.waiting:
                    del self._latest[job_id]

    def close(self) -> None:
        """No more events will be posted: let every watcher see the latest one and end."""
        self._closed = True
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()


async def watch_job(
    jobs: JobTable, job_events: JobEvents, job_id: int
) -> AsyncGenerator[JobEvent, None]:
    """Yield the state of any job, open or not, and then each change until it is over.

    Slow watchers skip events: they always get the latest.

    Raises:
        UnknownJob: When there is no such job.
    """
    over = job_events.get(job_id) is None
    if over:
        job = await jobs.get(job_id)
        yield JobEvent(job_id=job.id, state=job.state, pictures=job.pictures, error=job.error)
        over = not job.state.waiting
    if not over:
        async for event in job_events.watch(job_id):
            yield event
