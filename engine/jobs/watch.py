"""Watching a job, from whatever is known of it to the end."""

from collections.abc import AsyncGenerator

from engine.jobs.events import JobEvents
from engine.jobs.job import JobEvent
from engine.store import JobTable


async def watch_job(
    jobs: JobTable, job_events: JobEvents, job_id: int
) -> AsyncGenerator[JobEvent, None]:
    """Yield what is known of a job and then each change, until it is painted or over.

    Slow watchers skip values: they always get the latest.

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
