"""The curator: adds models while the program runs, removes them, plans and verifies them."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from engine.errors import AtelierError, InvalidModel, ModelUnavailable
from engine.hub import DiskUsage, DownloadProgress
from engine.jobs.step_times import StepTimes
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable
from engine.models.cache_downloads import CacheDownloads
from engine.models.candidates import MeasuredSize, ModelCandidate, measured_sizes
from engine.models.catalogue import Catalogue, Model, check_name
from engine.models.probe import ModelProbe
from engine.models.server_models import ServerModels
from engine.settings import ModelSettings
from engine.store import (
    Database,
    JobTable,
    MeasurementTable,
    ModelTable,
    Preferences,
    TimingTable,
)
from speech import say, say_many

log = logging.getLogger(__name__)

GLANCE = 5.0
"""Seconds between two looks at whether the command line has added or removed a model."""


class ModelManager:
    """Knows which models there are, brings new ones and lets old ones go.

    Whatever asks the disk, the Hub or the device does so in a thread.
    """

    def __init__(
        self,
        probe: ModelProbe,
        catalogue: Catalogue,
        database: Database,
        jobs: JobTable,
        step_times: StepTimes,
        cache_downloads: CacheDownloads,
        *,
        forget: Callable[[str], None],
        submission: asyncio.Lock,
    ) -> None:
        """Take over the catalogue.

        Args:
            probe: Looks into models.
            catalogue: The models; it is changed here.
            database: Where added models and measurements are kept.
            jobs: The jobs, which may need a model.
            step_times: The step times.
            cache_downloads: The downloads under way.
            forget: Called with the name of a model that was removed.
            submission: Held by whoever takes in a job, so that its model stays meanwhile.
        """
        self._probe = probe
        self._models = catalogue
        self._jobs = jobs
        self._step_times = step_times
        self._added = ModelTable(database)
        self._measurements = MeasurementTable(database)
        self._timings = TimingTable(database)
        self._server_models = ServerModels(catalogue, Preferences(database))
        self._forget = forget
        self._submission = submission
        self._cache_downloads = cache_downloads
        self._seen: dict[str, ModelSettings] = {}

    async def look(
        self,
        source: str,
        *,
        revision: str | None = None,
        variant: str | None = None,
        denoiser: str | None = None,
        name: str | None = None,
    ) -> ModelCandidate:
        """What adding a model would bring. Nothing is downloaded but some headers.

        Args:
            source: A Hub id, a file on the Hub as owner/name/file, a folder or a file.
            revision: Branch, tag or commit on the Hub.
            variant: Variant of the weights, such as `fp16`.
            denoiser: File in place of the source's own denoiser.
            name: What to call it; without it, one is made from the source.

        Raises:
            InvalidModel: When the name is taken, or is none.
            ModelUnavailable: When it cannot be had or is nothing that can be loaded.
            DeviceUnavailable: When the device of the settings is not there.
        """
        if not source.strip():
            raise InvalidModel(say("No source given. Enter a Hub ID like owner/name, or a folder."))
        settings = ModelSettings(
            source=_absolute(source.strip()),
            revision=revision or None,
            variant=variant,
            denoiser=_absolute(denoiser.strip()) if denoiser else None,
        )
        name = name or self._models.suggest_name(settings.source)
        self._refuse_name(name)
        return await self._probe.prospect(name, settings, self._known_as)

    async def add(
        self, prospect: ModelCandidate, progress: Callable[[DownloadProgress], None] | None = None
    ) -> Model:
        """Download what is missing of a model, then put it in the catalogue.

        Cancelling the task stops the download; what has come stays, and the next one goes on with
        it. Unless all has come, nothing is registered.

        Args:
            prospect: What `look` has found.
            progress: Called in the loop, at most ten times a second.

        Raises:
            InvalidModel: When it is being added already, or its name was taken meanwhile.
            ModelUnavailable: When it cannot be had, or there is no room for it.
            StorageError: When it cannot be written down.
        """
        origin = self._probe.origin(prospect.model)
        self._refuse_name(prospect.name)
        await self._cache_downloads.bring(prospect.name, origin, progress)
        async with self._submission:
            self._refuse_name(prospect.name)
            await self._added.save(prospect.name, prospect.settings)
            return self._models.add(prospect.name, prospect.settings)

    async def fetch(
        self, name: str, progress: Callable[[DownloadProgress], None] | None = None
    ) -> None:
        """Download now what is missing of a model in the catalogue; nobody has to wait meanwhile.

        Without it, that is done when somebody first asks for a picture, who has to wait for it.
        Cancelling, going on and `progress` are as with `add`.

        Raises:
            UnknownModel: When there is no such model.
            InvalidModel: When it is being downloaded already.
            ModelUnavailable: When it cannot be had, or there is no room for it.
        """
        await self._cache_downloads.bring(name, self._probe.origin(self._models[name]), progress)

    async def remove(self, name: str) -> int:
        """Take out a model that was added by command, and free what it has on disk.

        Files in the owner's own folders stay, and so does what another model needs. A server that
        used it goes back to the default model.

        Returns:
            Bytes that were freed.

        Raises:
            UnknownModel: When there is no such model.
            InvalidModel: When it was not added by command, or jobs need it.
            StorageError: When that cannot be written down.
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
            await self._added.delete(name)
            self._let_go(name)
            await self._measurements.forget(name)
            await self._timings.forget(name)
            await self._server_models.forget(name)
        try:
            origin = self._probe.origin(model)
        except ModelUnavailable:
            return 0
        return await self._cache_downloads.free(origin, self._probe.origins(self._models))

    def _let_go(self, name: str) -> None:
        self._models.remove(name)
        self._step_times.forget(name)
        self._forget(name)

    async def plan(
        self,
        model: str | ModelCandidate,
        *,
        width: int | None = None,
        height: int | None = None,
        batch: int | None = None,
    ) -> PlanTable:
        """How a model runs on this device, in words; before download the Hub is asked.

        Args:
            model: Its name, or what `look` has found.
            width: Of a picture, pixels; without it the model's default, as for the next.
            height: Of a picture, pixels.
            batch: The most pictures in a step; without it that of the settings.

        Raises:
            UnknownModel: When there is no such model.
            ModelUnavailable: When it cannot be looked into.
            DeviceUnavailable: When the device of the settings is not there.
        """
        if isinstance(model, ModelCandidate):
            entry, inspection = model.model, model.inspection
        else:
            entry = self._models[model]
            inspection = await self._probe.inspect(entry)
        return await self._probe.table(
            entry,
            inspection,
            await self._measurements.all(),
            width=width,
            height=height,
            batch=batch,
        )

    async def device(self) -> DeviceFacts:
        """What the device says at this moment. Raises `DeviceUnavailable`."""
        return await self._probe.device_now()

    async def verify(
        self, name: str, progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """What is wrong with the files of a model on disk, in sentences; none if all is well.

        Args:
            name: Which model.
            progress: Called in the loop, with the bytes read so far and those of all files.

        Raises:
            UnknownModel: When there is no such model.
            ModelUnavailable: When nothing of it is on disk.
        """
        return await self._probe.verify(self._models[name], progress)

    async def check(self, model: Model) -> None:
        """Whether `model` can be painted with, as far as its files' headers tell.

        What is not on disk yet is looked for on the Hub, which takes a second or two; it is
        downloaded when it is first used.

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

    def disk_usage(self, name: str) -> DiskUsage:
        """How much of a model is on disk; reads some folders. Raises `UnknownModel`."""
        return self._probe.disk_usage(self._models[name])

    async def measured(self, name: str) -> tuple[MeasuredSize, ...]:
        """What was measured of a model here, small pictures first. Raises `UnknownModel`."""
        model = self._models[name]
        known = [one for one in await self._measurements.all() if one.model == model.name]
        return measured_sizes(known, self._step_times.steps_of(model.name))

    async def refresh(self) -> None:
        """Take in what the command line has added or removed in the same database."""
        async with self._submission:
            kept = await self._added.all()
            for model in list(self._models):
                gone = model.added and not _is_of(model, kept.get(model.name))
                if gone and not await self._jobs.count_open(model.name):
                    self._let_go(model.name)
            if kept != self._seen:
                self._models.restore({k: v for k, v in kept.items() if k not in self._models})
            self._seen = kept

    async def follow(self) -> None:
        """Go on refreshing until cancelled."""
        while True:
            await asyncio.sleep(GLANCE)
            try:
                await self.refresh()
            except AtelierError as error:
                log.warning("The added models cannot be looked up: %s", error)

    def _known_as(self, model: Model) -> str | None:
        made_from = _made_from(model)
        return next((other.name for other in self._models if _made_from(other) == made_from), None)

    def _refuse_name(self, name: str) -> None:
        """Raise `InvalidModel` when a new model cannot have that name."""
        check_name(name)
        if name in self._models:
            raise InvalidModel(
                say("There's already a model named “{name}”. Choose another name.", name=name)
            )
        if name in self._cache_downloads:
            raise InvalidModel(
                say("“{name}” is already downloading. Wait until it's finished.", name=name)
            )


def _absolute(text: str) -> str:
    """A file or folder of this machine wherever the program is started; a Hub id as it is."""
    path = Path(text).expanduser()
    return str(path.absolute()) if path.exists() else text


def _is_of(model: Model, settings: ModelSettings | None) -> bool:
    """Whether `model` is made from what these settings say."""
    return settings is not None and (model.source, model.revision, model.denoiser) == (
        settings.source,
        settings.revision,
        settings.denoiser,
    )


def _made_from(model: Model) -> tuple[str | None, ...]:
    return model.source, model.revision, model.variant, model.denoiser
