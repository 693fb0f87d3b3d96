"""The model manager: adds and removes models while the program runs, plans and verifies them."""

import asyncio
from collections.abc import Callable, Iterable

from engine.errors import InvalidModel, ModelUnavailable
from engine.hub import DiskUsage, DownloadProgress, Origin, discard_flawed
from engine.hub.links import hub_link
from engine.local_paths import exists, expanded
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable
from engine.memory.profiles import ProfileStore
from engine.models.added import AddedModels
from engine.models.candidates import MeasuredSize, ModelCandidate, measured_sizes
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.model import Model
from engine.models.names import check_name
from engine.models.probe import ModelProbe
from engine.models.server_models import ServerModels
from engine.settings import ModelSettings
from engine.store import (
    Database,
    JobTable,
    MeasurementTable,
    ModelTable,
    Preferences,
    TrainingTable,
)
from speech import say, say_many


class ModelManager:
    """Adds, removes and examines models.

    Whatever asks the disk, the Hub or the device does so on a thread.

    Attributes:
        added: The models that were added by command.
    """

    def __init__(
        self,
        probe: ModelProbe,
        catalogue: Catalogue,
        database: Database,
        jobs: JobTable,
        trainings: TrainingTable,
        downloads: DownloadManager,
        *,
        on_removed: Callable[[str], None],
        submission: asyncio.Lock,
        lora_origins: Callable[[], Iterable[Origin]] = tuple,
    ) -> None:
        """Take over the catalogue.

        Args:
            probe: Looks into models.
            catalogue: The models; it is changed here.
            database: Where added models and measurements are kept.
            jobs: The jobs, which may need a model.
            trainings: The trainings, which may need one, too.
            downloads: Downloads models.
            on_removed: Called with the name of a model that was removed.
            submission: Held while a job is taken in, so that its model can't be removed meanwhile.
            lora_origins: Returns what the LoRAs are made from, which may be the same files.
        """
        self._probe = probe
        self._models = catalogue
        self._jobs = jobs
        self._trainings = trainings
        self.added = AddedModels(
            ModelTable(database), catalogue, jobs, on_removed=on_removed, submission=submission
        )
        self._measurements = MeasurementTable(database)
        self._server_models = ServerModels(catalogue, Preferences(database))
        self._downloads = downloads
        self._submission = submission
        self._lora_origins = lora_origins

    async def candidate(
        self,
        source: str,
        *,
        revision: str | None = None,
        variant: str | None = None,
        denoiser: str | None = None,
        name: str | None = None,
        look_up: bool = False,
    ) -> ModelCandidate:
        """What adding a model would involve. Nothing is downloaded but some headers.

        Args:
            source: A Hub ID, a file on the Hub as owner/name/file, a version on Civitai, a link to
                one of these, a folder or a file.
            revision: Branch, tag or commit on the Hub.
            variant: Variant of the weights, such as `fp16`.
            denoiser: File that replaces the source's own denoiser.
            name: What to call it; by default, a name made from the source.
            look_up: Whether the table of checkpoints will do if the Hub doesn't answer.

        Raises:
            InvalidModel: When the name is taken or not valid.
            ModelUnavailable: When it can't be had or can't be loaded.
            DeviceUnavailable: When the device of the settings isn't there.
        """
        if not source.strip():
            raise InvalidModel(say("No source given. Enter a Hub ID like owner/name, or a folder."))
        source, called = await self._probe.resolve(source.strip())
        path_or_id, of_link = _source_and_revision(source)
        settings = ModelSettings(
            source=path_or_id,
            revision=revision or of_link,
            variant=variant,
            denoiser=_absolute(denoiser.strip()) if denoiser else None,
        )
        name = name or self._models.suggest_name(called or settings.source)
        self._check_new_name(name)
        return await self._probe.candidate(name, settings, self._same_as, look_up=look_up)

    async def add(
        self,
        candidate: ModelCandidate,
        on_progress: Callable[[DownloadProgress], None] | None = None,
    ) -> Model:
        """Download what is missing of a model, then put it in the catalogue.

        Cancelling the task stops the download. What has been downloaded stays, and the next
        download resumes from there. An incomplete model isn't registered.

        Args:
            candidate: The model.
            on_progress: Called in the loop, at most ten times a second.

        Raises:
            InvalidModel: When it is being added already, or its name has been taken meanwhile.
            ModelUnavailable: When it can't be had, or the disk is full.
            StorageError: When it can't be stored.
        """
        origin = self._probe.origin(candidate.model)
        self._check_new_name(candidate.name)
        await self._downloads.download(candidate.name, origin, on_progress)
        async with self._submission:
            self._check_new_name(candidate.name)
            return await self.added.add(candidate.name, candidate.settings)

    async def download(
        self, name: str, on_progress: Callable[[DownloadProgress], None] | None = None
    ) -> None:
        """Download what is missing or damaged of a model in the catalogue.

        Files that are on disk are read once, to compare them with their hash. Cancelling, resuming
        and `on_progress` are as in `add`.

        Raises:
            UnknownModel: When there is no such model.
            InvalidModel: When it is being downloaded already.
            ModelUnavailable: When it can't be had, or the disk is full.
        """
        origin = self._probe.origin(self._models[name])
        await asyncio.to_thread(discard_flawed, origin)
        await self._downloads.download(name, origin, on_progress)

    async def remove(self, name: str) -> int:
        """Remove a model that was added by command, and free its disk space.

        Files in the owner's own folders stay, and so does what another model needs. A server that
        used the model goes back to the default model.

        Returns:
            Bytes that were freed.

        Raises:
            UnknownModel: When there is no such model.
            InvalidModel: When it wasn't added by command, or jobs or trainings need it.
            ModelUnavailable: When its files can't be deleted; it was removed all the same.
            StorageError: When that can't be stored.
        """
        async with self._submission:
            model = self._models.removable(name)
            if waiting := await self._jobs.count_open(name):
                raise InvalidModel(
                    say_many(
                        "{number} job still needs “{name}”. Wait for it or cancel it, then remove "
                        "the model.",
                        "{number} jobs still need “{name}”. Wait for them or cancel them, then "
                        "remove the model.",
                        waiting,
                        name=name,
                    )
                )
            if training := await self._trainings.count_open(name):
                raise InvalidModel(
                    say_many(
                        "{number} training still needs “{name}”. Wait for it or give it up, then "
                        "remove the model.",
                        "{number} trainings still need “{name}”. Wait for them or give them up, "
                        "then remove the model.",
                        training,
                        name=name,
                    )
                )
            await self.added.remove(name)
            await self._measurements.forget(name)
            await self._server_models.forget(name)
        try:
            origin = self._probe.origin(model)
        except ModelUnavailable:
            return 0
        others = [*self._probe.origins(self._models), *self._lora_origins()]
        return await self._downloads.free(origin, others)

    async def plan(
        self,
        model: str | ModelCandidate,
        *,
        width: int | None = None,
        height: int | None = None,
        batch: int | None = None,
    ) -> PlanTable:
        """How a model runs on this device, in words.

        Before the download the Hub is asked, and without the Hub the table of checkpoints.

        Args:
            model: Its name, or a candidate.
            width: Of a picture, pixels; by default the model's.
            height: Of a picture, pixels; by default the model's.
            batch: The most pictures in a step; by default that of the settings.

        Raises:
            UnknownModel: When there is no such model.
            ModelUnavailable: When it can't be looked into.
            DeviceUnavailable: When the device of the settings isn't there.
        """
        if isinstance(model, ModelCandidate):
            entry, inspection = model.model, model.inspection
        else:
            entry = self._models[model]
            inspection = await self._probe.inspect_or_look_up(entry)
        known = ProfileStore(await self._measurements.all(), await self._measurements.overflows())
        return await self._probe.plan_table(
            entry, inspection, known, width=width, height=height, batch=batch
        )

    async def require_device(self) -> None:
        """Raise `DeviceUnavailable` unless the device of the settings is there."""
        await self._probe.device_facts()

    async def device_facts(self) -> DeviceFacts:
        """What the device says now. Raises `DeviceUnavailable`."""
        return await self._probe.device_now()

    async def verify(
        self, name: str, on_progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """What is wrong with a model's files on disk, in sentences; empty if nothing is.

        Args:
            name: Which model.
            on_progress: Called in the loop with the bytes read so far and those of all files.

        Raises:
            UnknownModel: When there is no such model.
            ModelUnavailable: When none of it is on disk.
        """
        return await self._probe.verify(self._models[name], on_progress)

    async def check(self, model: Model) -> None:
        """Check that `model` can be used, as far as the headers of its files tell.

        The Hub is asked about a model that isn't on disk, which takes a second or two.

        Raises:
            ModelUnavailable: With the reason.
        """
        try:
            await self._probe.inspect(model)
        except ModelUnavailable as error:
            sentence = say(
                "“{model}” can't be used. {reason}", model=model.name, reason=error.sentence
            )
            raise type(error)(sentence) from error

    async def licence(self, name: str) -> str | None:
        """A model's licence and what it allows, in a line; `None` if unknown here.

        Raises:
            UnknownModel: When there is no such model.
        """
        return await self._probe.licence(self._models[name])

    def disk_usage(self, name: str) -> DiskUsage:
        """How much of a model is on disk; reads some folders. Raises `UnknownModel`."""
        return self._probe.disk_usage(self._models[name])

    async def measured(self, name: str) -> tuple[MeasuredSize, ...]:
        """What was measured of a model here, small pictures first. Raises `UnknownModel`."""
        model = self._models[name]
        return measured_sizes(
            one for one in await self._measurements.all() if one.model == model.name
        )

    def _same_as(self, model: Model) -> str | None:
        made_from = _made_from(model)
        return next((other.name for other in self._models if _made_from(other) == made_from), None)

    def _check_new_name(self, name: str) -> None:
        """Raise `InvalidModel` when a new model can't have that name."""
        check_name(name)
        if name in self._models:
            raise InvalidModel(
                say("There's already a model named “{name}”. Choose another name.", name=name)
            )
        if self._downloads.is_downloading(name):
            raise InvalidModel(
                say("“{name}” is already downloading. Wait until it's finished.", name=name)
            )


def _absolute(text: str) -> str:
    """The absolute path of a file or folder on this machine; a Hub ID as it is."""
    path = expanded(text)
    return str(path.absolute()) if exists(path) else text


def _source_and_revision(text: str) -> tuple[str, str | None]:
    """The absolute path or Hub ID that `text` or its link names, and the revision of a link."""
    source = _absolute(text)
    link = hub_link(source) if source == text else None
    return (link.source, link.revision) if link else (source, None)


def _made_from(model: Model) -> tuple[str | None, ...]:
    return model.source, model.revision, model.variant, model.denoiser
