"""Everything that the page shows, as it is now; each part is loaded once for all who look."""

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from cli.web.cached import Cached
from cli.web.charts import DAY, Bar, Line, Span, bars, line, span_of
from cli.web.gallery import Gallery, GalleryRow
from cli.web.health import Health
from cli.web.models import ModelRow, ModelRows
from cli.web.recent_problems import Problem
from cli.web.sampler import Sample, Sampler
from cli.web.sources import Sources
from engine import DeviceMemory, DeviceState, Job, JobEvent, Painted, Training, TrainingEvent

MAX_WAITING, MAX_PROBLEMS = 20, 15
"""Jobs in the queue and problems that are shown."""

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job that is painted or waits.

    Attributes:
        job: It.
        event: Its latest news.
        is_public: Whether its prompt is shown.
        preview: The version of its preview, if that is shown.
    """

    job: Job
    event: JobEvent
    is_public: bool
    preview: int | None = None


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A training that isn't over.

    Attributes:
        event: Its latest news.
        is_public: Whether its name is shown.
    """

    event: TrainingEvent
    is_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page shows.

    Attributes:
        now: When it was so, in seconds since the epoch.
        name: The bot's name on Discord.
        version: Of the program.
        started: Since when it runs.
        health: What is well.
        latency: Of the gateway, seconds.
        running: The jobs being painted.
        waiting: The first ones in the queue.
        more_waiting: How many others wait.
        pictures_hour: Pictures that were painted in the last hour.
        pictures_day: And in the last day.
        own_memory: The memory of this machine's devices now; `devices` has that of all.
        span: What the plots show.
        painted: Bars of the pictures that were painted.
        painted_top: The top of their axis.
        memory_lines: The devices' memory in use, by time.
        memory_top: The top of their axis, bytes.
        models: The models.
        trainings: The trainings that aren't over.
        devices: What each device is doing, on this machine and on others.
        gallery: The newest public pictures.
        problems: The latest warnings and errors.
    """

    now: float
    name: str | None
    version: str
    started: float
    health: Health
    latency: float | None
    running: Sequence[JobRow]
    waiting: Sequence[JobRow]
    more_waiting: int
    pictures_hour: int
    pictures_day: int
    own_memory: Sequence[DeviceMemory]
    span: Span
    painted: Sequence[Bar]
    painted_top: float
    memory_lines: Sequence[Line]
    memory_top: float
    models: Sequence[ModelRow]
    trainings: Sequence[TrainingRow]
    devices: Sequence[DeviceState]
    gallery: Sequence[GalleryRow]
    problems: Sequence[Problem]


class Looker:
    """Looks at everything; what asks the database does so every few seconds at most."""

    def __init__(
        self, sources: Sources, sampler: Sampler, gallery: Gallery, health: Cached[Health]
    ) -> None:
        self._sources = sources
        self._sampler = sampler
        self._gallery = gallery
        self._models = ModelRows(sources.studio)
        self._started = time.time()
        self._health = health
        self._plotted: tuple[tuple[float, Span], tuple[list[Line], float]] | None = None
        self._painted: Cached[list[Painted]] = Cached(self._look_at_painted, 5.0, [])
        self._trainings: Cached[list[TrainingEvent]] = Cached(
            sources.studio.trainings.under_way, 3.0, []
        )

    async def look(self) -> Overview:
        """Everything as it is now."""
        sources, now = self._sources, time.time()
        running, devices = sources.studio.running(), sources.studio.devices
        waiting = sources.studio.next_waiting(MAX_WAITING)
        painted, samples = await self._painted.get(), list(self._sampler.samples)
        begins = [*(each.at for each in painted[:1]), *(each.at for each in samples[:1])]
        span = span_of(min(begins, default=now), now)
        painted_bars, painted_top = bars(((each.at, each.pictures) for each in painted), span)
        memory_lines, memory_top = self._memory_plot(samples, span)
        return Overview(
            now=now,
            name=sources.bot.name,
            version=sources.version,
            started=self._started,
            health=await self._health.get(),
            latency=sources.bot.latency,
            running=[self._row(job, event) for job, event in running],
            waiting=[JobRow(job, event, self._is_public(job)) for job, event in waiting],
            more_waiting=sources.studio.status().waiting - len(waiting),
            pictures_hour=sum(each.pictures for each in painted if each.at > now - HOUR),
            pictures_day=sum(each.pictures for each in painted),
            own_memory=[one.memory for one in devices if one.local and one.memory],
            span=span,
            painted=painted_bars,
            painted_top=painted_top,
            memory_lines=memory_lines,
            memory_top=memory_top,
            models=self._models.rows(),
            trainings=[
                TrainingRow(event, self._is_public(event.training))
                for event in await self._trainings.get()
            ],
            devices=devices,
            gallery=await self._gallery.rows(),
            problems=sources.problems.latest(MAX_PROBLEMS),
        )

    def preview(self, job_id: int) -> bytes | None:
        """The preview of a job that is painted now; `None` if it isn't shown."""
        for job, event in self._sources.studio.running():
            if job.id == job_id and self._shows_preview(job):
                return event.preview
        return None

    def _row(self, job: Job, event: JobEvent) -> JobRow:
        version = None
        if event.preview is not None and self._shows_preview(job):
            version = zlib.crc32(event.preview)
        return JobRow(job, event, self._is_public(job), version)

    def _shows_preview(self, job: Job) -> bool:
        """Not where pictures are checked: nobody has checked a preview."""
        return self._is_public(job) and not self._sources.studio.safety.enabled

    def _is_public(self, work: Job | Training) -> bool:
        return self._sources.bot.is_public(work.message_ref)

    def _memory_plot(self, samples: Sequence[Sample], span: Span) -> tuple[list[Line], float]:
        """The devices' memory by time, and the top of the axis; drawn anew for a new sample."""
        key = (samples[-1].at if samples else 0.0, span)
        if self._plotted is None or self._plotted[0] != key:
            self._plotted = key, _memory_plot(samples, span)
        return self._plotted[1]

    async def _look_at_painted(self) -> list[Painted]:
        return await self._sources.studio.painted_since(time.time() - DAY)


def _memory_plot(samples: Sequence[Sample], span: Span) -> tuple[list[Line], float]:
    points: dict[str, list[tuple[float, float]]] = {}
    top = 1.0
    for sample in samples:
        for each in sample.memory if sample.at >= span.begin else ():
            points.setdefault(each.name, []).append((sample.at, each.used_bytes))
            top = max(top, each.total_bytes)
    return [line(name, found, top, span) for name, found in points.items()], top
