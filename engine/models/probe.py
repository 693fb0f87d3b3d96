"""Looks into models: at their files, here or on the Hub, and at what the device makes of them."""

import asyncio
from collections.abc import Callable, Iterable

from engine.errors import ModelUnavailable
from engine.hub import DiskUsage, HubClient, Origin, Presence, disk_usage, verify
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable, tabulate
from engine.memory.planner import choose
from engine.memory.profile import Measurement
from engine.models.candidates import ModelCandidate
from engine.models.catalogue import Model
from engine.models.device_facts import device_facts
from engine.models.inspection import Inspection, inspect
from engine.models.origins import disk_usage_of, origin_of
from engine.models.planning import plan_request_of
from engine.settings import EngineSettings, ModelSettings

ReadDeviceFacts = Callable[[], DeviceFacts]


class ModelProbe:
    """Asks the disk, the Hub and the device, in threads.

    Attributes:
        hub: Where models come from.
    """

    def __init__(self, settings: EngineSettings, facts: ReadDeviceFacts | None = None) -> None:
        """Prepare to ask.

        Args:
            settings: How the engine paints.
            facts: Tells of the device; without it, that of the settings.
        """
        self._settings = settings
        self._ask_device = facts or (lambda: device_facts(settings))
        self._facts: DeviceFacts | None = None
        token = settings.hub_token
        self.hub = HubClient(settings.hub_url, token.get_secret_value() if token else None)

    def origin(self, model: Model) -> Origin:
        """What a model is made from. Raises `ModelUnavailable` when that can be nothing."""
        return origin_of(model, allow_pickle=self._settings.allow_pickle)

    def origins(self, models: Iterable[Model]) -> list[Origin]:
        """What these models are made from, as far as that can be something."""
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
        """What is known of the device; asked once. Raises `DeviceUnavailable`."""
        if self._facts is None:
            self._facts = await asyncio.to_thread(self._ask_device)
        return self._facts

    async def device_now(self) -> DeviceFacts:
        """What the device says at this moment. Raises `DeviceUnavailable`."""
        return await asyncio.to_thread(self._ask_device)

    async def inspect(self, model: Model) -> Inspection:
        """What is in a model. Raises `ModelUnavailable`."""
        origin = self.origin(model)
        return await asyncio.to_thread(inspect, origin, self.hub)

    async def prospect(
        self, name: str, settings: ModelSettings, known_as: Callable[[Model], str | None]
    ) -> ModelCandidate:
        """What adding a model would bring.

        Args:
            name: What to call it.
            settings: What is decided about it.
            known_as: The name of another model that is made from the same.

        Raises:
            InvalidModel: When the values do not go together.
            ModelUnavailable: When it cannot be had or is nothing that can be loaded.
            DeviceUnavailable: When the device of the settings is not there.
        """
        unseen = Model.of(name, settings, added=True)
        inspection = await self.inspect(unseen)
        model = Model.of(name, settings, added=True, family=inspection.family)
        state = await asyncio.to_thread(disk_usage, self.origin(model))
        case = plan_request_of(model, inspection, await self.device_facts(), self._settings)
        choice = choose(case)
        return ModelCandidate(
            name=name,
            settings=settings,
            model=model,
            inspection=inspection,
            choice=choice,
            plan=tabulate(case, choice),
            there=state.presence is Presence.COMPLETE,
            known_as=known_as(model),
        )

    async def table(
        self,
        model: Model,
        inspection: Inspection,
        known: Iterable[Measurement],
        *,
        width: int | None,
        height: int | None,
        batch: int | None,
    ) -> PlanTable:
        """How a model runs on the device, in words; arguments as for `plan_request_of`."""
        facts = await self.device_facts()
        sizes = {"width": width, "height": height, "batch": batch}
        return tabulate(plan_request_of(model, inspection, facts, self._settings, known, **sizes))

    async def verify(self, model: Model, progress: Callable[[int, int], None] | None) -> list[str]:
        """What is wrong with a model's files on disk; `progress` is called in the loop.

        Raises:
            ModelUnavailable: When nothing of it is on disk.
        """
        loop = asyncio.get_running_loop()

        def told(done: int, total: int) -> None:
            if progress is not None:
                loop.call_soon_threadsafe(progress, done, total)

        origin = self.origin(model)
        return list(await asyncio.to_thread(verify, origin, None, told))
