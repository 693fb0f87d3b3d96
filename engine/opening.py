"""Opens the studio on its data folder: makes its parts and goes on with what was left."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.adapters import AdapterShelf
from engine.board import Board
from engine.curation.additions import DATABASE
from engine.curation.appraiser import Appraiser
from engine.curation.curator import Curator
from engine.errors import StorageError
from engine.estimates import Estimates
from engine.jobs import JobState
from engine.keeper import Keeper
from engine.models import Catalogue
from engine.pictures import PictureFolder
from engine.retention import Retention
from engine.settings import AdapterSettings, EngineSettings, ModelSettings, StorageSettings
from engine.store import (
    Attic,
    Database,
    Favourites,
    History,
    JobTable,
    MeasurementTable,
    ModelTable,
    ModerationTable,
    Outcomes,
    Preferences,
    TimingTable,
)
from engine.studio import Studio
from engine.tasks import Tasks
from engine.uploads import UploadFolder
from engine.worker import Worker

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
            estimates = Estimates(await timings.all(), engine.batch_size)
            pictures = PictureFolder(folder / "pictures")
            uploads = UploadFolder(folder / "uploads")
            board = Board()
            extras = extras or folder
            shelf = AdapterShelf(adapters, extras / "loras")
            worker = Worker(
                engine,
                catalogue,
                jobs,
                pictures,
                uploads,
                board,
                estimates,
                measurements,
                await measurements.all(),
                shelf,
                extras / "embeddings",
            )
            preferences = Preferences(database)
            admission = asyncio.Lock()
            curator = Curator(
                Appraiser(engine),
                catalogue,
                database,
                jobs,
                estimates,
                forget=worker.forget,
                admission=admission,
            )
            studio = Studio(
                catalogue,
                shelf,
                curator,
                Keeper(ModerationTable(database), preferences),
                Outcomes(database),
                jobs,
                preferences,
                pictures,
                uploads,
                board,
                worker,
                queue_size,
                admission,
                History(database, jobs),
                Favourites(database),
            )
            attic = Attic(database, folder)
            retention = Retention(storage or StorageSettings(), attic, pictures, uploads)
            tasks = Tasks()
            tasks.start(curator.follow(), "follow the added models")
            tasks.start(retention.daily(), "remove what is too old")
            try:
                await _resume(jobs, worker, catalogue)
                yield studio
            finally:
                await tasks.cancel()
                await studio.stop()
                await timings.save(estimates.unsaved)


def _exclusive(folder: Path) -> AbstractContextManager[object]:
    """Hold the folder against other processes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / "atelier.lock").acquire(timeout=0)
    except Timeout:
        raise StorageError(f"Another Atelier is already using the folder {folder}.") from None
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be used: {error.strerror}.") from error


async def _resume(jobs: JobTable, worker: Worker, catalogue: Catalogue) -> None:
    """Queue again what was queued or running when the program ended."""
    for job in await jobs.unsettled():
        if not job.state.waiting:
            continue
        if job.attempts >= MAX_ATTEMPTS:
            sentence = f"Given up: the program stopped {job.attempts} times while painting this."
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        elif job.recipe.model not in catalogue:
            sentence = f"The model “{job.recipe.model}” is not configured any more."
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        else:
            worker.push(job)
