"""How often painting a job may be started, when it may be what stops the program or the device."""

from engine.jobs.job import Job
from speech import say_many

MAX_ATTEMPTS = 5
"""How often painting a job may be started before it is blamed for stopping the program."""


def gave_up(job: Job) -> str | None:
    """Why a job isn't started again; `None` if it may be."""
    if job.attempts < MAX_ATTEMPTS:
        return None
    return say_many(
        "Gave up: the program stopped {number} time while painting this.",
        "Gave up: the program stopped {number} times while painting this.",
        job.attempts,
    )
