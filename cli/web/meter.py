"""What happens to jobs, counted for Prometheus as it happens."""

import time
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram

from engine import JobEvent, JobState, Studio

WAITS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600)
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
"""Upper bounds of the histograms' buckets, in seconds."""

MAX_MODELS = 50
"""Models with a label of their own; what others paint counts as `OTHER`."""

OTHER = "other"

OUTCOMES = {
    JobState.PAINTED: "painted",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}


class _Seen(NamedTuple):
    """A running job: its model, and the steps that it has done."""

    model: str
    step: int


class Meter:
    """Hears the events of all jobs. Every label has few values: none is a person or a prompt."""

    def __init__(
        self, registry: CollectorRegistry, studio: Studio, clock: Callable[[], float] = time.time
    ) -> None:
        """Add the metrics to `registry`, and listen."""
        self._studio = studio
        self._clock = clock
        self._running: dict[int, _Seen] = {}
        self._models: set[str] = set()
        self._wait = Histogram(
            "atelier_job_wait_seconds",
            "From a job's submission until it is on the device.",
            buckets=WAITS,
            registry=registry,
        )
        self._step = Histogram(
            "atelier_step_seconds",
            "A denoising step, as each job in the batch had to wait for it.",
            ["model"],
            buckets=STEPS,
            registry=registry,
        )
        self._pictures = Counter(
            "atelier_pictures_painted", "Pictures that were painted.", registry=registry
        )
        self._ended = Counter(
            "atelier_jobs_ended", "Jobs that are over.", ["outcome"], registry=registry
        )
        for outcome in OUTCOMES.values():
            self._ended.labels(outcome)
        studio.listen(self._hear)

    def _hear(self, event: JobEvent) -> None:
        if event.state is JobState.RUNNING:
            self._on_running(event)
        elif (outcome := OUTCOMES.get(event.state)) is not None:
            self._running.pop(event.job_id, None)
            self._ended.labels(outcome).inc()
            self._pictures.inc(len(event.pictures))

    def _on_running(self, event: JobEvent) -> None:
        seen = self._running.get(event.job_id)
        if seen is None:
            job = next((job for job, _ in self._studio.running() if job.id == event.job_id), None)
            if job is None:
                return
            self._wait.observe(max(0.0, self._clock() - job.created_at))
            seen = _Seen(self._label(job.recipe.model), 0)
        elif event.step > seen.step and event.step_seconds:
            self._step.labels(seen.model).observe(event.step_seconds)
        self._running[event.job_id] = seen._replace(step=event.step)

    def _label(self, model: str) -> str:
        if len(self._models) < MAX_MODELS:
            self._models.add(model)
        return model if model in self._models else OTHER
