"""Opening: the services are made, connected, and closed in order; jobs left behind are resumed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from engine.errors import StorageError
from engine.folder_lock import lock_folder
from engine.grids.grids import Grids
from engine.hub import HubClient
from engine.images.decoder import Decoder, DecoderProcess, DecoderThread
from engine.images.init_images import InitImages
from engine.images.output import OutputFolder
from engine.images.upload_limits import UploadLimits
from engine.images.uploads import UploadFolder
from engine.jobs.attempts import gave_up
from engine.jobs.context_loader import ContextLoader
from engine.jobs.enlarging import Enlarger
from engine.jobs.events import JobEvents
from engine.jobs.job import JobState
from engine.jobs.retention import GIGABYTE, Retention
from engine.jobs.submission import JobSubmission
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.models.added import DATABASE
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.manager import ModelManager
from engine.models.probe import ModelProbe
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.prompts.style_book import StyleBook
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import Classifier, ClassifierThread
from engine.safety.classifier_process import ClassifierProcess
from engine.services import FileServices, JobServices, ModelServices, ScopeServices
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    StorageSettings,
)
from engine.store import Database, JobTable, Store
from engine.store.clock import bound_times
from engine.store.expired_tokens import erase_expired_tokens
from engine.studio import Studio
from engine.tasks import Tasks
from engine.worker.blame import NAME as BLAME_FILE
from engine.worker.blame import BlameFile
from engine.worker.device_host import DeviceHost
from engine.worker.device_process import DeviceProcess
from engine.worker.device_thread import DeviceThread
from engine.worker.executor_setup import ExecutorSetup
from engine.worker.postprocess import Postprocessor
from engine.worker.worker import Worker
from speech import say

ERASE_INTERVAL = 300.0
"""Seconds between two looks for tokens that have expired."""

log = logging.getLogger(__name__)


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
    *,
    locked: bool = False,
    isolated: bool = False,
) -> AsyncIterator[Studio]:
    """Open the studio on its data folder, and resume the jobs that were left there.

    Args:
        engine: How to paint.
        models: The configured models by name.
        folder: Where the database and the pictures are kept.
        queue_size: The most jobs that may wait.
        adapters: The configured LoRAs by name.
        extras: The folder with `loras` and `embeddings`, whose files can be used, too; `folder`
            if omitted.
        storage: How long and how much to keep; everything if omitted.
        safety: Which pictures count as unsafe; pictures aren't classified if omitted.
        locked: Whether the caller has locked the folder with `lock_folder`.
        isolated: Whether the device, the classifier and the decoding of uploads get processes of
            their own. Those take time to start, but neither torch nor a picture made to do harm
            can hold up the event loop or end the program.

    Raises:
        StorageError: When the folder can't be used, or another process uses it.
        UnknownModel: When the default model is not configured.
    """
    catalogue = Catalogue(models, engine.default_model)
    with nullcontext() if locked else lock_folder(folder):
        async with Database(folder / DATABASE) as database:
            store = Store(database, folder)
            blame = BlameFile(folder / BLAME_FILE)
            await _tidy(store, blame)
            catalogue.restore(await store.models.all())
            pictures, uploads = OutputFolder(folder / "pictures"), UploadFolder(folder / "uploads")
            extras = extras or folder
            hub = HubClient(engine.hub_url, engine.plain_hub_token)
            downloads = DownloadManager(hub)
            lora = AdapterCatalogue(adapters, extras / "loras", downloads.lora)
            kept, rules = storage or StorageSettings(), safety or SafetySettings()
            classifier: Classifier = (ClassifierProcess if isolated else ClassifierThread)(
                rules, downloads.classifier
            )
            checker = SafetyChecker(rules, store.safety, store.jobs, classifier)
            setup = ExecutorSetup(
                settings=engine,
                find_files=downloads.files,
                profiles=ProfileStore(
                    await store.measurements.all(), await store.measurements.overflows()
                ),
                adapters=lora,
                embeddings=extras / "embeddings",
                blame=blame,
            )
            device: DeviceHost = (DeviceProcess if isolated else DeviceThread)(setup)
            probe = ModelProbe(engine, hub, device.facts)
            availability = ModelAvailability(probe, catalogue, downloads)
            await availability.scan()
            job_events = JobEvents()
            worker = Worker(
                setup,
                device,
                catalogue,
                uploads,
                store.jobs,
                store.measurements,
                job_events,
                availability,
                Postprocessor(store.jobs, pictures, checker, job_events),
            )
            contexts = ContextLoader(catalogue, store.preferences, store.moderation)
            submission = JobSubmission(contexts, lora, uploads, store.jobs, worker, queue_size)
            decoder: Decoder = DecoderProcess() if isolated else DecoderThread()
            init_images = InitImages(store.jobs, uploads, decoder)
            manager = ModelManager(
                probe,
                catalogue,
                database,
                store.jobs,
                downloads,
                on_removed=worker.forget,
                submission=submission.lock,
            )
            studio = Studio(
                store,
                ModelServices(
                    catalogue=catalogue,
                    adapters=lora,
                    manager=manager,
                    server_models=ServerModels(catalogue, store.preferences),
                ),
                JobServices(
                    submission=submission,
                    worker=worker,
                    events=job_events,
                    enlarger=Enlarger(submission, store.jobs, init_images, pictures, checker),
                    grids=Grids(store.grids, store.jobs, job_events, worker, submission),
                ),
                ScopeServices(
                    contexts=contexts,
                    moderation=Moderation(store.moderation, store.preferences, store.reviews),
                    safety=checker,
                    styles=StyleBook(store.preferences),
                ),
                FileServices(
                    pictures=pictures,
                    init_images=init_images,
                    upload_limits=UploadLimits(
                        uploads, store.retention.uploads, kept.uploads_gb * GIGABYTE
                    ),
                ),
            )
            retention = Retention(kept, store.retention, pictures, uploads)
            tasks = Tasks()
            tasks.start(manager.added.keep_refreshing(), "refresh the added models")
            tasks.start(retention.daily(), "remove old jobs")
            tasks.start(_keep_erasing(database), "erase expired tokens")
            try:
                await _resume(store.jobs, worker, catalogue)
                yield studio
            finally:
                await tasks.cancel()
                await studio.stop()
                await decoder.stop()


async def _tidy(store: Store, blame: BlameFile) -> None:
    """Before anything is read: wrong times, expired tokens, and who stopped the program."""
    try:
        await bound_times(store.database)
        await erase_expired_tokens(store.database, all_rows=True)
        if stopped := blame.take():
            log.warning("The program stopped while it painted: %s", stopped)
            await store.jobs.count_stops(stopped)
    except StorageError as error:  # a full disk
        log.warning("The database couldn't be tidied up: %s", error)


async def _keep_erasing(database: Database) -> None:
    """Erase tokens soon after they have expired, until cancelled."""
    while True:
        await asyncio.sleep(ERASE_INTERVAL)
        try:
            await erase_expired_tokens(database, all_rows=False)
        except StorageError as error:
            log.warning("Expired tokens couldn't be erased: %s", error)


async def _resume(jobs: JobTable, worker: Worker, catalogue: Catalogue) -> None:
    """Queue the jobs again that were queued or running when the program ended."""
    for job in await jobs.undelivered():
        if not job.state.waiting:
            continue
        if (sentence := gave_up(job)) is not None:
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        elif job.recipe.model not in catalogue:
            sentence = say("The model “{model}” is no longer configured.", model=job.recipe.model)
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        else:
            worker.push(job)
