"""The board: the latest that is known of each open job, for whoever watches."""

import asyncio
from collections.abc import AsyncIterator

from engine.jobs.job import JobEvent


class JobEvents:
    """Keeps one event per job. A watcher sees the latest one, never a backlog."""

    def __init__(self) -> None:
        self._latest: dict[int, JobEvent] = {}
        self._watchers: dict[int, set[asyncio.Event]] = {}
        self._closed = False

    def __getitem__(self, job_id: int) -> JobEvent:
        return self._latest[job_id]

    def get(self, job_id: int) -> JobEvent | None:
        """The latest event of the job, if it is open."""
        return self._latest.get(job_id)

    def post(self, event: JobEvent) -> None:
        """Put `event` in the place of the job's last one and wake those who watch it."""
        if event == self._latest.get(event.job_id):
            return
        self._latest[event.job_id] = event
        for changed in self._watchers.get(event.job_id, ()):
            changed.set()
        if not event.state.waiting and event.job_id not in self._watchers:
            del self._latest[event.job_id]

    async def watch(self, job_id: int) -> AsyncIterator[JobEvent]:
        """Yield the job's latest event, then each later one, until the job is over.

        The iteration also ends, without an outcome, when the board is closed.
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
        """Nothing is posted any more: let every watcher see the latest event and end."""
        self._closed = True
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()
