"""Opens the studio on its data folder: makes its parts and goes on with what was left."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import StorageError
from engine.grids.grids import Grids
from engine.hub import HubClient
from engine.images.output import OutputFolder
from engine.images.uploads import UploadFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import JobState
from engine.jobs.retention import Retention
from engine.jobs.step_times import StepTimes
from engine.jobs.submission import JobSubmission
from engine.models.adapters import AdapterCatalogue
from engine.models.added import DATABASE
from engine.models.cache_downloads import CacheDownloads
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.manager import ModelManager
from engine.models.probe import ModelProbe
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.moderation.reviews import ReviewQueue
from engine.safety.checker import SafetyChecker
from engine.safety.decisions import SafetyDecisions
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    StorageSettings,
)
from engine.store import (
    Database,
    Favourites,
    GridTable,
    History,
    JobTable,
    MeasurementTable,
    ModelTable,
    ModerationTable,
    Outcomes,
    Preferences,
    RetentionTable,
    ReviewTable,
    SafetyTable,
    TimingTable,
)
from engine.studio import Studio
from engine.tasks import Tasks
from engine.worker.executor_factory import ExecutorFactory
from engine.worker.postprocess import Postprocessor
from engine.worker.worker import Worker
from speech import say, say_many

MAX_ATTEMPTS = 5
"""How often a job may be under way when the whole program dies before it is taken for the cause."""


@asynccontextmanager
async def open_studio(
    engine: EngineSettings,
    models: Mapping[str, ModelSettings],
    folder: Path,
    queue_size: int = 200,
    adapters: Mapping[str, AdapterSettings] | None = None,
    extras: Path | None = None,
    storage: StorageSettings | None = None,
    safety: SafetySettings | None = None,
) -> AsyncIterator[Studio]:
    """Open the studio on its data folder and go on with what was left there.

    Args:
        engine: How to paint.
        models: The configured models by name.
        folder: Where the database and the pictures are kept.
        queue_size: The most jobs that may wait.
        adapters: The configured LoRAs by name.
        extras: Where the folders `loras` and `embeddings` are, whose files come on top; without it
            in `folder`.
        storage: How long and how much to keep; without it, everything.
        safety: Which pictures count as unsafe; without it, none are looked at.

    Raises:
        StorageError: When the folder cannot be used, or another process uses it.
        UnknownModel: When the default model is not configured.
    """
    catalogue = Catalogue(models, engine.default_model)
    with _exclusive(folder):
        async with Database(folder / DATABASE) as database:
            jobs = JobTable(database, folder)
            timings = TimingTable(database)
            measurements = MeasurementTable(database)
            added = ModelTable(database)
            catalogue.restore(await added.all())
            step_times = StepTimes(await timings.all(), engine.batch_size)
            pictures = OutputFolder(folder / "pictures")
            uploads = UploadFolder(folder / "uploads")
            job_events = JobEvents()
            probe = ModelProbe(engine)
            cache_downloads = CacheDownloads(probe.hub)
            download_manager = DownloadManager(probe, catalogue, cache_downloads)
            await download_manager.look()
            extras = extras or folder
            shelf = AdapterCatalogue(adapters, extras / "loras")
            decisions = SafetyDecisions(SafetyTable(database), jobs, _judge(engine, safety))
            worker = Worker(
                engine,
                catalogue,
                jobs,
                uploads,
                job_events,
                step_times,
                measurements,
                download_manager,
                ExecutorFactory(engine, await measurements.all(), shelf, extras / "embeddings"),
                Postprocessor(jobs, pictures, decisions, job_events),
            )
            preferences = Preferences(database)
            moderation = Moderation(
                ModerationTable(database), preferences, ReviewQueue(ReviewTable(database))
            )
            rules = ServerModels(catalogue, preferences)
            submission = JobSubmission(
                asyncio.Lock(),
                catalogue,
                shelf,
                moderation,
                rules,
                uploads,
                jobs,
                worker,
                queue_size,
            )
            model_manager = ModelManager(
                probe,
                catalogue,
                database,
                jobs,
                step_times,
                cache_downloads,
                forget=worker.forget,
                submission=submission.lock,
            )
            grids = Grids(GridTable(database, jobs), jobs, job_events, worker, submission)
            studio = Studio(
                catalogue,
                shelf,
                model_manager,
                moderation,
                rules,
                Outcomes(database),
                jobs,
                preferences,
                pictures,
                uploads,
                job_events,
                worker,
                submission,
                History(database, jobs),
                Favourites(database),
                decisions,
                grids,
            )
            retention_table = RetentionTable(database, folder)
            retention = Retention(storage or StorageSettings(), retention_table, pictures, uploads)
            tasks = Tasks()
            tasks.start(model_manager.follow(), "follow the added models")
            tasks.start(retention.daily(), "remove what is too old")
            try:
                await _resume(jobs, worker, catalogue)
                yield studio
            finally:
                await tasks.cancel()
                await studio.stop()
                await timings.save(step_times.unsaved)


def _judge(engine: EngineSettings, safety: SafetySettings | None) -> SafetyChecker | None:
    """Who looks at new pictures, if the owner wants that."""
    if safety is None or safety.classifier is None:
        return None
    token = engine.hub_token
    return SafetyChecker(
        safety, HubClient(engine.hub_url, token.get_secret_value() if token else None)
    )


def _exclusive(folder: Path) -> AbstractContextManager[object]:
    """Hold the folder against other processes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / "atelier.lock").acquire(timeout=0)
    except Timeout:
        raise StorageError(
            say("Another Atelier is already using the folder {folder}.", folder=folder)
        ) from None
    except OSError as error:
        raise StorageError(
            say(
                "The folder {folder} can't be used: {reason}.",
                folder=folder,
                reason=error.strerror,
            )
        ) from error


async def _resume(jobs: JobTable, worker: Worker, catalogue: Catalogue) -> None:
    """Queue again what was queued or running when the program ended."""
    for job in await jobs.unsettled():
        if not job.state.waiting:
            continue
        if job.attempts >= MAX_ATTEMPTS:
            sentence = say_many(
                "Gave up: the program stopped {number} time while painting this.",
                "Gave up: the program stopped {number} times while painting this.",
                job.attempts,
            )
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        elif job.recipe.model not in catalogue:
            sentence = say("The model “{model}” is no longer configured.", model=job.recipe.model)
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        else:
            worker.push(job)
