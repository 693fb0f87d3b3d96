"""From a model's entry in the catalogue to a family that paints, as its memory plan says."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.device import Device
from engine.diffusion.families import Family, family_of, is_stepped
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.diffusion.oom import drop_tracebacks, out_of_memory
from engine.diffusion.pipelines import build_pipeline
from engine.diffusion.quantization import cast_layerwise
from engine.diffusion.textual_inversion import TextualInversions
from engine.diffusion.vae_tiling import apply_vae_tiling
from engine.errors import ModelUnavailable
from engine.hub import HubClient, LocalFiles, download_now
from engine.memory.plan import Plan, Quantization, Stage
from engine.memory.profile import Measurement
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Model
from engine.models.inspection import Inspection, inspect
from engine.models.origins import origin_of
from engine.models.planning import plan_request_of
from engine.settings import EngineSettings
from speech import say

log = logging.getLogger(__name__)

BUILT_ON_CARD = {Quantization.BNB8, Quantization.NF4}
"""bitsandbytes quantizes on the card while it loads."""


class NoRoomToPreload(Exception):
    """A model that was to be loaded early does not fit beside the one in use."""


@dataclass(eq=False, kw_only=True)
class LoadedModel:
    """A model whose weights are in RAM.

    Attributes:
        model: Its entry in the catalogue.
        family: Steps it.
        parts: Bring its components to the device.
        memory: Its plan.
        pipe: The Diffusers pipeline.
        built: What of the plan is in the weights themselves.
        moves: Whether weights have to be brought to the device.
    """

    model: Model
    family: Family
    parts: OffloadedComponents | AccelerateOffload
    memory: ModelMemory
    pipe: Any
    built: object
    moves: bool

    @property
    def outgrown(self) -> bool:
        """Whether its plan asks for other weights than were loaded."""
        return build_of(self.memory.plan) != self.built

    def follow_plan(self) -> None:
        """Let its components live as its plan says now."""
        if self.moves:
            self.parts.apply(self.memory.plan)
        if hasattr(self.pipe, "vae"):
            apply_vae_tiling(self.pipe.vae, self.memory.plan)


def build_of(plan: Plan) -> object:
    """What of a plan is decided when weights are loaded: the precision of each component."""
    ways = tuple(
        (name, place.quantization) for name, place in plan.places.items() if place.quantization
    )
    return plan.dtype, plan.vae_float32, ways


class ModelLoader:
    """Loads models onto one device."""

    def __init__(
        self,
        settings: EngineSettings,
        device: Device,
        profiles: ProfileStore,
        note: Callable[[Measurement], None],
        adapters: AdapterCatalogue,
        inversions: TextualInversions,
    ) -> None:
        """Prepare to load.

        Args:
            settings: What the owner has decided.
            device: Where models will work.
            profiles: What was measured before; read at each load.
            note: Told of each new measurement worth keeping.
            adapters: The LoRAs that there are.
            inversions: The learned words that there are.
        """
        self._adapters = adapters
        self._inversions = inversions
        self._settings = settings
        self._device = device
        self._profiles = profiles
        self._note = note
        token = settings.hub_token
        self._hub = HubClient(settings.hub_url, token.get_secret_value() if token else None)

    def load(
        self,
        model: Model,
        make_room: Callable[[int], None],
        memory: ModelMemory | None = None,
        *,
        early: bool = False,
    ) -> LoadedModel:
        """Load `model`; what is missing of it on disk is downloaded first.

        Args:
            model: Which.
            make_room: Told how many bytes of RAM its weights will take, before they are read.
            memory: Its plan, if it was loaded before and asks for other weights now.
            early: Whether another model is at work meanwhile.

        Raises:
            ModelUnavailable: With what is wrong and what would help.
            NoRoomYet: When it is early, and it cannot be loaded beside another.
        """
        try:
            origin = origin_of(model, allow_pickle=self._settings.allow_pickle)
            files = download_now(origin, self._hub)
            inspection = inspect(origin, self._hub)
        except ModelUnavailable as error:
            raise type(error)(_not_loaded(model, error.sentence)) from error
        make_room(self._weight_bytes(inspection))
        memory = memory or ModelMemory(
            model,
            plan_request_of(
                model, inspection, self._device.facts(), self._settings, self._profiles
            ),
            self._device,
            self._note,
        )
        if early and BUILT_ON_CARD & {p.quantization for p in memory.plan.places.values()}:
            raise NoRoomToPreload
        while True:
            try:
                with BUILD_LOCK, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    pipe = build_pipeline(
                        model,
                        files,
                        inspection,
                        memory.plan,
                        allow_pickle=self._settings.allow_pickle,
                    )
                return self._placed(model, pipe, files, memory)
            except ModelUnavailable as error:
                raise type(error)(_not_loaded(model, error.sentence)) from error
            except (OSError, ValueError, RuntimeError, KeyError, ImportError, MemoryError) as error:
                if not out_of_memory(error):
                    why = str(error).split("\n", 1)[0].rstrip(".")
                    raise ModelUnavailable(
                        say(
                            "The model “{model}” couldn't be loaded: {reason}.",
                            model=model.name,
                            reason=why,
                        )
                    ) from error
                failure = drop_tracebacks(error)
            self._device.release()
            if not memory.give_up(Stage.LOAD, memory.plan.batch):
                raise failure

    def _weight_bytes(self, inspection: Inspection) -> int:
        """What the weights will take in RAM, as they are computed with."""
        number = 4 if self._device.name.type == "cpu" else 2
        return number * sum(component.parameters for component in inspection.components)

    def _placed(
        self, model: Model, pipe: Any, files: LocalFiles, memory: ModelMemory
    ) -> LoadedModel:
        pipe.set_progress_bar_config(disable=True)
        cast_layerwise(pipe, memory.plan)
        kind = OffloadedComponents if is_stepped(pipe) else AccelerateOffload
        plan = memory.plan if self._device.has_own_memory else None
        parts = kind(pipe, self._device.name, plan)
        family = family_of(
            pipe, parts, files.folder, adapters=self._adapters, inversions=self._inversions
        )
        log.info("Loaded %s: %s as %s", model.name, type(pipe).__name__, type(family).__name__)
        if hasattr(pipe, "vae"):
            apply_vae_tiling(pipe.vae, memory.plan)
        return LoadedModel(
            model=model,
            family=family,
            parts=parts,
            memory=memory,
            pipe=pipe,
            built=build_of(memory.plan),
            moves=self._device.has_own_memory,
        )


def _not_loaded(model: Model, reason: str) -> str:
    return say("The model “{model}” couldn't be loaded. {reason}", model=model.name, reason=reason)
