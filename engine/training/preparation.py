"""What has to be known before a training runs: its model, and whether the device has room."""

import asyncio
import contextlib
from collections.abc import Iterable

from engine.errors import ModelUnavailable
from engine.memory.profiles import ProfileStore
from engine.models.catalogue import Catalogue
from engine.models.model import Model
from engine.models.probe import ModelProbe
from engine.settings import EngineSettings
from engine.training.bases import base_of, require_encoders, require_trainable
from engine.training.plan import TrainingPlan
from engine.training.planning import PlanQuestion, planned
from engine.training.request import TrainingRequest
from engine.training.requests import captions_of
from engine.training.setup import TrainingSetup
from engine.training.training import Training
from speech import say


class TrainingPreparation:
    """Looks at models and at the device, on threads.

    Attributes:
        command: Of an outside trainer, if it trains.
    """

    def __init__(
        self,
        settings: EngineSettings,
        models: Catalogue,
        probe: ModelProbe,
        profiles: ProfileStore,
        command: tuple[str, ...] = (),
    ) -> None:
        """Prepare to look.

        Args:
            settings: Of the engine.
            models: Those that there are.
            probe: Tells about them.
            profiles: What was measured.
            command: Of an outside trainer, if it trains.
        """
        self._settings = settings
        self._models = models
        self._probe = probe
        self._profiles = profiles
        self.command = command

    def model(self, name: str) -> Model:
        """The model of that name. Raises `UnknownModel`."""
        return self._models[name]

    async def base(self, name: str) -> Model:
        """The model of that name, if a LoRA can be trained on it now.

        Raises:
            UnknownModel: When there is no such model.
            ModelUnavailable: When it isn't on this machine, or can't be looked into.
            InvalidRequest: When it can't be trained on; the sentence names one that can.
        """
        model = self._models[name]
        usage = await asyncio.to_thread(self._probe.disk_usage, model)
        if usage.presence.downloads:
            raise ModelUnavailable(
                say(
                    "{model} hasn't been downloaded yet. Paint a picture with it first.",
                    model=model.name,
                )
            )
        require_trainable(model, await self._probe.inspect(model))
        return model

    async def plan(
        self, training: Training, request: TrainingRequest, fixed: Iterable[str] = ()
    ) -> TrainingPlan:
        """What a training would take on this device, with nothing else on it. Takes seconds.

        Args:
            training: With its pictures.
            request: What it is to do.
            fixed: Attributes of the request that stay as they are.

        Raises:
            UnknownModel: When its model is gone.
            ModelUnavailable: When its model's files are gone or damaged.
            DeviceUnavailable: When the device can't be asked.
            InvalidRequest: When its text encoders can't be trained.
        """
        if request.text_encoder:
            require_encoders(self._models[training.model])
        return await planned(
            PlanQuestion(
                settings=self._settings,
                model=self._models[training.model],
                request=request,
                fixed=frozenset(fixed),
                captions=tuple(caption for _, caption in captions_of(training)),
                picture_bytes=await asyncio.to_thread(_size, training),
                measured=self._profiles.step_seconds(training.model),
                device=await self._probe.device_facts(),
                command=self.command,
            )
        )

    def setup(self, training: Training, model: Model, device: str | None = None) -> TrainingSetup:
        """What a started training is made from.

        Args:
            training: It.
            model: What `base` returned for it.
            device: Name of the one to train on; `None` for that of the settings.
        """
        assert training.request is not None, "it was started"
        return TrainingSetup(
            settings=self._settings if device is None else self._settings.on(device),
            model=model,
            base=base_of(model),
            request=training.request,
            folder=training.folder,
            command=self.command,
        )

    async def shares_device(self) -> bool:
        """Whether a training can run while pictures are painted: on the CPU, whose RAM has room.

        Raises:
            DeviceUnavailable: When the device of the settings isn't there.
        """
        if "auto" not in self._settings.devices:
            return set(self._settings.devices) == {"cpu"}
        return (await self._probe.device_facts()).kind == "cpu"


def _size(training: Training) -> int:
    """Bytes of its pictures. Blocks."""
    size = 0
    for picture in training.pictures:
        with contextlib.suppress(OSError):  # one that was taken out meanwhile
            size += picture.file.stat().st_size
    return size
