"""Looks into models: at their files, on disk or on the Hub, and at what the device can do."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from engine.errors import ModelUnavailable
from engine.hub import DiskUsage, HubClient, Origin, Presence, disk_usage, verify
from engine.hub.checkpoint_names import grouped
from engine.hub.civitai_files import look_up
from engine.hub.civitai_links import civitai_source
from engine.hub.downloads import RESERVE, free_bytes
from engine.hub.errors import GatedModel, HubUnreachable
from engine.hub.source_files import licence_on_disk
from engine.local_paths import exists, expanded
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable, tabulate
from engine.memory.planner import choose
from engine.memory.profiles import ProfileStore
from engine.models.candidates import ModelCandidate, licence_line
from engine.models.device_facts import device_facts
from engine.models.inspection import Inspection, inspect, known_inspection
from engine.models.licences import Safeguards, known_terms, licence_text, licence_warnings
from engine.models.model import Model
from engine.models.origins import disk_usage_of, origin_of
from engine.models.planning import plan_request_of
from engine.settings import EngineSettings, ModelSettings
from engine.sizes import human_size
from speech import say

ReadDeviceFacts = Callable[[], DeviceFacts]


class ModelProbe:
    """Asks the disk, the Hub and the device, on threads.

    Attributes:
        safeguards: What the owner does for licences that ask for it.
    """

    def __init__(
        self,
        settings: EngineSettings,
        hub: HubClient,
        read_device: ReadDeviceFacts | None = None,
        safeguards: Safeguards | None = None,
    ) -> None:
        """Prepare to ask.

        Args:
            settings: How the engine paints.
            hub: Where models come from.
            read_device: Asks the device; by default, that of the settings.
            safeguards: What the owner does for licences that ask for it.
        """
        self.safeguards = safeguards or Safeguards()
        self._settings = settings
        self._hub = hub
        self._read_device = read_device or (lambda: device_facts(settings))
        self._device: DeviceFacts | None = None

    def origin(self, model: Model) -> Origin:
        """What a model is made from. Raises `ModelUnavailable` for an impossible source."""
        return origin_of(model, allow_pickle=self._settings.allow_pickle)

    def origins(self, models: Iterable[Model]) -> list[Origin]:
        """What these models are made from; those with an impossible source are left out."""
        found = []
        for model in models:
            try:
                found.append(self.origin(model))
            except ModelUnavailable:
                continue
        return found

    def disk_usage(self, model: Model) -> DiskUsage:
        """How much of a model is on disk; reads some folders."""
        return disk_usage_of(model, allow_pickle=self._settings.allow_pickle)

    async def device_facts(self) -> DeviceFacts:
        """What the device said when it was first asked. Raises `DeviceUnavailable`."""
        if self._device is None:
            self._device = await self.device_now()
        return self._device

    async def device_now(self) -> DeviceFacts:
        """What the device says now. Raises `DeviceUnavailable`."""
        return await asyncio.to_thread(self._read_device)

    async def resolve(self, source: str) -> tuple[str, str | None]:
        """A source as it is stored, and a name for it if it's one on Civitai, which is asked.

        Raises:
            ModelUnavailable: Civitai doesn't have it, or can't be reached.
        """
        if exists(expanded(source)):
            return source, None
        found = await asyncio.to_thread(look_up, source, self._hub.civitai)
        return (source, None) if found is None else (civitai_source(found.version), found.name)

    async def inspect(self, model: Model) -> Inspection:
        """What a model is made of. Raises `ModelUnavailable`."""
        return await asyncio.to_thread(inspect, self.origin(model), self._hub)

    async def inspect_or_look_up(self, model: Model) -> Inspection:
        """What a model is made of; by the table of checkpoints if the Hub doesn't say.

        Raises:
            ModelUnavailable: When neither knows.
        """
        try:
            return await self.inspect(model)
        except (HubUnreachable, GatedModel):
            if (known := known_inspection(self.origin(model))) is None:
                raise
            return known

    async def candidate(
        self,
        name: str,
        settings: ModelSettings,
        same_as: Callable[[Model], str | None],
        *,
        look_up: bool = False,
    ) -> ModelCandidate:
        """What adding a model would involve.

        Args:
            name: What to call it.
            settings: Its settings.
            same_as: Returns the name of another model that is made from the same.
            look_up: Whether the table of checkpoints will do if the Hub doesn't answer.

        Raises:
            InvalidModel: When the settings don't go together.
            ModelUnavailable: When it can't be had or can't be loaded.
            DeviceUnavailable: When the device of the settings isn't there.
        """
        inspect = self.inspect_or_look_up if look_up else self.inspect
        inspection = await inspect(Model.of(name, settings, added=True))
        model = Model.of(
            name,
            settings,
            added=True,
            family=inspection.family,
            pipeline=inspection.pipeline,
        )
        usage = await asyncio.to_thread(disk_usage, self.origin(model))
        request = plan_request_of(model, inspection, await self.device_facts(), self._settings)
        choice = choose(request)
        plan = tabulate(request, choice)
        return ModelCandidate(
            name=name,
            settings=settings,
            model=model,
            inspection=inspection,
            choice=choice,
            plan=replace(plan, notes=(*plan.notes, *_unused(inspection))),
            on_disk=usage.presence is Presence.COMPLETE,
            same_as=same_as(model),
            licence_warnings=licence_warnings(
                known_terms(model.licence.name if model.licence else inspection.licence),
                self.safeguards,
            ),
        )

    async def licence(self, model: Model) -> str | None:
        """The licence and what it allows, by the table of checkpoints or the card on disk."""
        if (line := licence_line(model)) is not None:
            return line
        try:
            origin = self.origin(model)
        except ModelUnavailable:
            return None
        return licence_text(*await asyncio.to_thread(licence_on_disk, origin.source))

    async def plan_table(
        self,
        model: Model,
        inspection: Inspection,
        known: ProfileStore,
        *,
        width: int | None,
        height: int | None,
        batch: int | None,
    ) -> PlanTable:
        """How a model runs on the device, in words; see `plan_request_of`."""
        facts = await self.device_facts()
        sizes = {"width": width, "height": height, "batch": batch}
        table = tabulate(plan_request_of(model, inspection, facts, self._settings, known, **sizes))
        note = say("The Hub doesn't tell its sizes now; these are from Atelier's own table.")
        return replace(
            table,
            disk=_disk(inspection, await asyncio.to_thread(free_bytes)),
            notes=(*table.notes, note) if inspection.from_table else table.notes,
        )

    async def verify(
        self, model: Model, on_progress: Callable[[int, int], None] | None
    ) -> list[str]:
        """What is wrong with a model's files on disk; `on_progress` is called in the loop.

        Raises:
            ModelUnavailable: When none of it is on disk.
        """
        loop = asyncio.get_running_loop()

        def report(done: int, total: int) -> None:
            if on_progress is not None:
                loop.call_soon_threadsafe(on_progress, done, total)

        return list(await asyncio.to_thread(verify, self.origin(model), None, report))


def _unused(inspection: Inspection) -> tuple[str, ...]:
    """A sentence if single files hold more than is used."""
    if not inspection.unused:
        return ()
    return (say("In the file but not used: {tensors}.", tensors=grouped(inspection.unused)),)


def _disk(inspection: Inspection, free: int) -> str:
    """How much room a model's files take, in words, and whether there is as much."""
    total = human_size(inspection.total_bytes)
    if not inspection.download_bytes:
        return say("{size}, already on disk", size=total)
    missing = human_size(inspection.download_bytes)
    if free < inspection.download_bytes + RESERVE:
        return say(
            "{size}, {missing} to download, and only {free} free",
            size=total,
            missing=missing,
            free=human_size(free),
        )
    return say("{size}, {missing} to download", size=total, missing=missing)
