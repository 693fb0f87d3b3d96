"""Opening: the services are made, connected, and closed in order; jobs left behind are resumed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from engine.cluster.bot.open_cluster import FOLDER as CLUSTER_FOLDER
from engine.cluster.bot.open_cluster import open_cluster
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Resources
from engine.cluster.settings import ClusterSettings
from engine.devices.device_process import DeviceProcess
from engine.devices.device_thread import DeviceThread
from engine.devices.dispatcher import Dispatcher
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.local_devices import local_devices
from engine.devices.postprocess import Postprocessor
from engine.folder_lock import lock_folder
from engine.grids.grids import Grids
from engine.images.decoder import Decoder, DecoderProcess, DecoderThread
from engine.images.init_images import InitImages
from engine.images.output import OutputFolder
from engine.images.upload_limits import UploadLimits
from engine.images.uploads import UploadFolder
from engine.jobs.context_loader import ContextLoader
from engine.jobs.control_maps import ControlMaps, MapProcess, MapThread
from engine.jobs.enlarging import Enlarger
from engine.jobs.events import JobEvents
from engine.jobs.processing import PictureProcesses
from engine.jobs.retention import GIGABYTE, Retention
from engine.jobs.submission import JobSubmission
from engine.left_behind import keep_erasing, resume, tidy
from engine.live_settings import LiveSettings, LiveValues
from engine.models.adapter_manager import AdapterManager, origins_of
from engine.models.adapters import AdapterCatalogue
from engine.models.added import DATABASE, keep_refreshing
from engine.models.availability import ModelAvailability
from engine.models.catalogue import Catalogue
from engine.models.controls import ControlCatalogue
from engine.models.download_manager import DownloadManager
from engine.models.ip_adapters import IPAdapterCatalogue
from engine.models.licences import Safeguards
from engine.models.manager import ModelManager
from engine.models.networks import NetworkCatalogue
from engine.models.origins import hub_of
from engine.models.probe import ModelProbe
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.network_settings import (
    BackgroundSettings,
    ControlSettings,
    DescribeSettings,
    IPAdapterSettings,
    MapSettings,
    PromptSettings,
    UpscalerSettings,
)
from engine.prompts.style_book import StyleBook
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import Classifier, ClassifierThread
from engine.safety.classifier_process import ClassifierProcess
from engine.services import (
    FileServices,
    JobServices,
    ModelServices,
    ScopeServices,
    WritingServices,
)
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    StorageSettings,
)
from engine.store import Database, Store
from engine.studio import Studio
from engine.tasks import Tasks
from engine.training.open_trainings import make_trainings
from engine.training.publishing import TrainingPublishing
from engine.training.settings import TrainingSettings
from engine.workers import Workers
from engine.writing.describer import Describer
from engine.writing.host import MakeHost, WriterProcess, WriterThread
from engine.writing.rewriter import Rewriter


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
    upscalers: Mapping[str, UpscalerSettings] | None = None,
    background: BackgroundSettings | None = None,
    describe: DescribeSettings | None = None,
    prompts: PromptSettings | None = None,
    controls: Mapping[str, ControlSettings] | None = None,
    maps: MapSettings | None = None,
    ip_adapters: Mapping[str, IPAdapterSettings] | None = None,
    training: TrainingSettings | None = None,
    cluster: ClusterSettings | None = None,
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
        upscalers: The configured upscalers by name; the first one is used.
        background: What removes backgrounds.
        describe: What describes pictures.
        prompts: What improves and shortens prompts.
        controls: The configured control networks by name.
        maps: What reads depth and poses from control pictures.
        ip_adapters: The configured IP-Adapters by name; the first one of a family is used.
        training: How members train LoRAs; they can't if omitted.
        cluster: Where workers on other machines meet this one; there are none if omitted.
        locked: Whether the caller has locked the folder with `lock_folder`.
        isolated: Whether the device, the classifier, what writes and the decoding of uploads get
            processes of their own. Those take time to start, but neither torch nor a picture made
            to do harm can hold up the event loop or end the program.

    Raises:
        StorageError: When the folder can't be used, or another process uses it.
        UnknownModel: When the default model is not configured.
    """
    image_prompts = IPAdapterCatalogue(ip_adapters)
    catalogue = Catalogue(models, engine.default_model, engine.draft_model, image_prompts.families)
    with nullcontext() if locked else lock_folder(folder):
        async with Database(folder / DATABASE) as database:
            store = Store(database, folder)
            await tidy(store, folder)
            catalogue.restore(await store.models.all())
            extras = extras or folder
            hub = hub_of(engine)
            downloads = DownloadManager(hub, allow_pickle=engine.allow_pickle)
            control_networks = ControlCatalogue(controls)
            networks = NetworkCatalogue(upscalers, background)
            lora = AdapterCatalogue(adapters, extras / "loras", downloads.lora)
            kept, rules = storage or StorageSettings(), safety or SafetySettings()
            uploads = UploadFolder(folder / "uploads")
            pictures = OutputFolder(folder / "pictures", uploads, kept.metadata)

            def classifier_for(rules: SafetySettings) -> Classifier:
                kind = ClassifierProcess if isolated else ClassifierThread
                return kind(rules, downloads.classifier)

            checker = SafetyChecker(rules, store.safety, store.jobs, classifier_for(rules))
            setup = ExecutorSetup(
                settings=engine,
                find_files=downloads.files,
                find_network=downloads.network,
                find_ip_adapter=lambda family: downloads.ip_adapter(image_prompts.of(family)),
                adapters=lora,
                controls=control_networks,
                embeddings=extras / "embeddings",
                cache=folder / "cache",
            )
            devices = local_devices(
                setup,
                DeviceProcess if isolated else DeviceThread,
                folder,
                await store.measurements.all(),
                await store.measurements.overflows(),
            )
            safeguards = Safeguards(rules.classifier is not None, kept.metadata)
            probe = ModelProbe(engine, hub, devices[0].host.facts, safeguards)
            availability = ModelAvailability(probe, catalogue, downloads)
            await availability.scan()
            job_events = JobEvents()
            dispatcher = Dispatcher(
                engine,
                catalogue,
                uploads,
                store.jobs,
                store.measurements,
                job_events,
                availability,
                Postprocessor(store.jobs, pictures, checker, job_events),
                networks,
            )
            for device in devices:
                dispatcher.attach(device)
            workers = Workers(dispatcher, store.workers, await store.workers.paused())
            contexts = ContextLoader(catalogue, store.preferences, store.moderation)
            submission = JobSubmission(
                contexts,
                lora,
                control_networks,
                uploads,
                store.jobs,
                dispatcher,
                queue_size,
                quick=engine.speed == "quick",
            )
            decoder: Decoder = DecoderProcess() if isolated else DecoderThread()
            control_maps = ControlMaps(
                control_networks,
                maps or MapSettings(),
                (MapProcess if isolated else MapThread)(
                    maps or MapSettings(), downloads.classifier
                ),
                uploads,
                downloads.network,
            )
            init_images = InitImages(store.jobs, uploads, decoder)
            make_host: MakeHost = WriterProcess if isolated else WriterThread
            describer = Describer(
                describe or DescribeSettings(), decoder, downloads.language_model, make_host
            )
            rewriter = Rewriter(prompts or PromptSettings(), downloads.language_model, make_host)
            manager = ModelManager(
                probe,
                catalogue,
                database,
                store.jobs,
                store.trainings,
                downloads,
                on_removed=dispatcher.forget,
                submission=submission.lock,
                lora_origins=lambda: origins_of(lora),
            )
            lora_manager = AdapterManager(
                lora,
                store.adapters,
                store.jobs,
                downloads,
                hub,
                safeguards=safeguards,
                submission=submission.lock,
                model_origins=lambda: probe.origins(catalogue),
            )
            training = training or TrainingSettings(enabled=False)
            trainings = make_trainings(
                training,
                engine,
                store.trainings,
                models=catalogue,
                adapters=lora_manager,
                probe=probe,
                profiles=devices[0].profiles,
                dispatcher=dispatcher,
                contexts=contexts,
                decoder=decoder,
                safety=checker,
                describer=describer,
            )
            publishing = TrainingPublishing(hub, lora_manager, store.trainings)
            model_services = ModelServices(
                catalogue=catalogue,
                adapters=lora_manager,
                manager=manager,
                server_models=ServerModels(catalogue, store.preferences),
                trainings=trainings,
                publishing=publishing,
            )
            job_services = JobServices(
                workers=workers,
                submission=submission,
                dispatcher=dispatcher,
                events=job_events,
                enlarger=Enlarger(submission, store.jobs, init_images, pictures, checker),
                processes=PictureProcesses(
                    submission, store.jobs, dispatcher, init_images, networks, downloads.network
                ),
                grids=Grids(store.grids, store.jobs, job_events, dispatcher, submission),
            )
            file_services = FileServices(
                pictures=pictures,
                init_images=init_images,
                control_maps=control_maps,
                upload_limits=UploadLimits(
                    uploads, store.retention.uploads, kept.uploads_gb * GIGABYTE
                ),
            )
            retention = Retention(kept, store.retention, pictures, uploads)
            live_settings = LiveSettings(
                LiveValues(
                    storage=kept,
                    safety=rules,
                    engine=engine,
                    queue_size=queue_size,
                    models=models,
                    adapters=adapters or {},
                    upscalers=upscalers or {},
                    background=background or BackgroundSettings(),
                    training=training,
                ),
                models=model_services,
                jobs=job_services,
                files=file_services,
                table=store.jobs,
                networks=networks,
                probe=probe,
                retention=retention,
                checker=checker,
                make_classifier=classifier_for,
            )
            studio = Studio(
                store,
                model_services,
                job_services,
                ScopeServices(
                    contexts=contexts,
                    moderation=Moderation(store.moderation, store.preferences, store.reviews),
                    safety=checker,
                    styles=StyleBook(store.preferences),
                ),
                file_services,
                WritingServices(describer=describer, rewriter=rewriter),
                live_settings,
            )
            await lora_manager.restore()
            hashes = FileHashes(folder / CLUSTER_FOLDER / "hashes.json")
            resources = Resources(
                engine,
                catalogue,
                hashes,
                controls=control_networks,
                networks=networks,
                ip_adapters=image_prompts,
                embeddings=setup.embeddings,
            )
            tasks = Tasks()
            tasks.start(
                keep_refreshing(manager.added.refresh, "models"), "refresh the added models"
            )
            tasks.start(keep_refreshing(lora_manager.restore, "LoRAs"), "refresh the added LoRAs")
            tasks.start(retention.daily(), "remove old jobs")
            tasks.start(keep_erasing(database), "erase expired tokens")
            tasks.start(workers.keep_noting(), "note which workers are here")
            try:
                async with open_cluster(
                    cluster or ClusterSettings(),
                    folder,
                    dispatcher,
                    resources,
                    hashes,
                    lambda name: lora.file_of(lora[name]),
                ) as studio.cluster:
                    workers.use(studio.cluster)
                    await resume(store.jobs, dispatcher, catalogue)
                    trainings.run()
                    try:
                        yield studio
                    finally:
                        await studio.stop()
            finally:
                await tasks.cancel()
                await studio.stop()
                for service in (control_maps, describer, rewriter, decoder, publishing):
                    await service.stop()
