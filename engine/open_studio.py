"""Opens the studio on its data folder: makes its parts and goes on with what was left."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.models.adapters import AdapterShelf
from engine.jobs.submission import Admission
from engine.jobs.events import Board
from engine.models.added import DATABASE
from engine.models.probe import Appraiser
from engine.models.cache_downloads import Arrivals
from engine.models.manager import Curator
from engine.worker.executor_factory import Easel
from engine.errors import StorageError
from engine.jobs.step_times import Estimates
from engine.worker.postprocess import Finishing
from engine.models.server_models import HouseRules
from engine.jobs.job import JobState
from engine.safety.checker import Judge
from engine.safety.decisions import Judgement
from engine.moderation.moderation import Keeper
from engine.hub import Hub
from engine.models.catalogue import Catalogue
from engine.images.output import PictureFolder
from engine.jobs.retention import Retention
from engine.moderation.reviews import Reviews
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    StorageSettings,
)
from engine.grids.grids import Sheets
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
    ReviewTable,
    SheetTable,
    TimingTable,
    VerdictTable,
)
from engine.studio import Studio
from engine.models.download_manager import Supplies
from engine.tasks import Tasks
from engine.images.uploads import UploadFolder
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
            estimates = Estimates(await timings.all(), engine.batch_size)
            pictures = PictureFolder(folder / "pictures")
            uploads = UploadFolder(folder / "uploads")
            board = Board()
            appraiser = Appraiser(engine)
            arrivals = Arrivals(appraiser.hub)
            supplies = Supplies(appraiser, catalogue, arrivals)
            await supplies.look()
            extras = extras or folder
            shelf = AdapterShelf(adapters, extras / "loras")
            judgement = Judgement(VerdictTable(database), jobs, _judge(engine, safety))
            worker = Worker(
                engine,
                catalogue,
                jobs,
                uploads,
                board,
                estimates,
                measurements,
                supplies,
                Easel(engine, await measurements.all(), shelf, extras / "embeddings"),
                Finishing(jobs, pictures, judgement, board),
            )
            preferences = Preferences(database)
            keeper = Keeper(ModerationTable(database), preferences, Reviews(ReviewTable(database)))
            rules = HouseRules(catalogue, preferences)
            admission = Admission(
                asyncio.Lock(),
                catalogue,
                shelf,
                keeper,
                rules,
                uploads,
                jobs,
                worker,
                queue_size,
            )
            curator = Curator(
                appraiser,
                catalogue,
                database,
                jobs,
                estimates,
                arrivals,
                forget=worker.forget,
                admission=admission.lock,
            )
            sheets = Sheets(SheetTable(database, jobs), jobs, board, worker, admission)
            studio = Studio(
                catalogue,
                shelf,
                curator,
                keeper,
                rules,
                Outcomes(database),
                jobs,
                preferences,
                pictures,
                uploads,
                board,
                worker,
                admission,
                History(database, jobs),
                Favourites(database),
                judgement,
                sheets,
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


def _judge(engine: EngineSettings, safety: SafetySettings | None) -> Judge | None:
    """Who looks at new pictures, if the owner wants that."""
    if safety is None or safety.classifier is None:
        return None
    token = engine.hub_token
    return Judge(safety, Hub(engine.hub_url, token.get_secret_value() if token else None))


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
                "The folder {folder} cannot be used: {reason}.",
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
                "Given up: the program stopped {number} time while painting this.",
                "Given up: the program stopped {number} times while painting this.",
                job.attempts,
            )
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        elif job.recipe.model not in catalogue:
            sentence = say(
                "The model “{model}” is not configured any more.", model=job.recipe.model
            )
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        else:
            worker.push(job)
