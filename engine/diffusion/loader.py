"""Loads a model: from its catalogue entry to a family that paints, as its memory plan says."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import torch

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion.acceleration import Acceleration
from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.close_mode import attend_faster, tiny_previewer
from engine.diffusion.cpu_kernels import use_cpu_kernels
from engine.diffusion.device import Device
from engine.diffusion.families import Family, family_of, is_stepped
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.diffusion.oom import drop_tracebacks, out_of_memory, out_of_ram
from engine.diffusion.pipelines import build_pipeline
from engine.diffusion.quantization import cast_layerwise
from engine.diffusion.textual_inversion import TextualInversions
from engine.diffusion.tuning import Tuning
from engine.diffusion.vae_tiling import apply_vae_tiling
from engine.errors import ModelUnavailable
from engine.hub import LocalFiles
from engine.hub.checkpoint_names import grouped
from engine.memory.device import NO_LIMIT, RAM_RESERVE
from engine.memory.measurement import Measurement
from engine.memory.plan import Plan, Quantization, Stage
from engine.memory.precision import Overflow
from engine.models.families import FAMILIES, family_named_by
from engine.models.inspection import Inspection, inspect
from engine.models.model import Model
from engine.models.origins import origin_of
from engine.models.planning import plan_request_of
from engine.sizes import human_size
from speech import say

log = logging.getLogger(__name__)

QUANTIZED_ON_DEVICE = {Quantization.BNB8, Quantization.NF4}
"""bitsandbytes quantizes on the device while it loads."""


class NoRoomToPreload(Exception):
    """A model that should be preloaded doesn't fit beside the one in use."""


@dataclass(eq=False, kw_only=True)
class LoadedModel:
    """A model whose weights are in RAM.

    Attributes:
        model: Its entry in the catalogue.
        family: Steps it.
        components: Move to the device and off it.
        memory: Its plan.
        pipe: The Diffusers pipeline.
        load_key: What of the plan is decided when weights are loaded; see `load_key_of`.
        offloads: Whether weights in RAM have to be moved to the device.
        acceleration: Calls it in the fastest way, if there are several.
        identity: Stands for it where it is to be recognized, not kept.
    """

    model: Model
    family: Family
    components: OffloadedComponents | AccelerateOffload
    memory: ModelMemory
    pipe: Any
    load_key: object
    offloads: bool
    acceleration: Acceleration | None = None
    identity: object = field(default_factory=object)

    @property
    def needs_reload(self) -> bool:
        """Whether the plan needs other weights than were loaded."""
        return load_key_of(self.memory.plan) != self.load_key

    def apply_plan(self) -> None:
        """Place the components as the plan says now."""
        if self.offloads:
            self.components.apply(self.memory.plan)
        if hasattr(self.pipe, "vae"):
            apply_vae_tiling(self.pipe.vae, self.memory.plan)


def load_key_of(plan: Plan) -> object:
    """What of a plan is decided when weights are loaded: the precision of each component."""
    quantized = tuple(
        (name, place.quantization) for name, place in plan.places.items() if place.quantization
    )
    return plan.dtype, plan.vae_float32, quantized


class ModelLoader:
    """Loads models for one device."""

    def __init__(
        self,
        setup: ExecutorSetup,
        device: Device,
        on_measured: Callable[[Measurement], None] = lambda measurement: None,
        on_overflow: Callable[[Overflow], None] = lambda overflow: None,
    ) -> None:
        """Prepare to load.

        Args:
            setup: Settings, files, profiles, LoRAs and textual inversions.
            device: Where models are used.
            on_measured: Called with each measurement worth saving.
            on_overflow: Called with each type in which a model overflowed.
        """
        self._setup = setup
        self._device = device
        self._on_measured = on_measured
        self._on_overflow = on_overflow
        self._inversions = TextualInversions(setup.embeddings)

    def load(
        self,
        model: Model,
        make_room: Callable[[int], None],
        memory: ModelMemory | None = None,
        *,
        preload: bool = False,
    ) -> LoadedModel:
        """Load `model`.

        Args:
            model: Which.
            make_room: Called with the bytes of RAM that its weights take, before they are read.
            memory: Its plan, if it was loaded before and needs other weights now.
            preload: Whether another model is in use meanwhile.

        Raises:
            ModelUnavailable: With what is wrong and what would help.
            NoRoomToPreload: When it can't be preloaded.
        """
        settings = self._setup.settings
        try:
            origin = origin_of(model, allow_pickle=settings.allow_pickle)
            files = self._setup.find_files(model.name, origin)
            inspection = inspect(origin)
        except ModelUnavailable as error:
            raise type(error)(_not_loaded(model, error.sentence)) from error
        if inspection.unused:
            log.warning("Not used of %s: %s", model.name, grouped(inspection.unused))
        make_room(self._weight_bytes(inspection))
        memory = memory or ModelMemory(
            model,
            plan_request_of(
                model, inspection, self._device.facts(), settings, self._setup.profiles
            ),
            self._device,
            self._setup.profiles,
            self._on_measured,
            self._on_overflow,
        )
        self._require_ram(model, memory.plan)
        made_room = False
        methods = {place.quantization for place in memory.plan.places.values()}
        if preload and QUANTIZED_ON_DEVICE & methods:
            raise NoRoomToPreload
        while True:
            try:
                # In no variable here: it is to be gone before it is built again.
                return self._assemble(
                    model, self._built(model, files, inspection, memory.plan), files, memory
                )
            except ModelUnavailable as error:
                raise type(error)(_not_loaded(model, error.sentence)) from error
            except Exception as error:
                # Diffusers and Transformers raise anything over files that they can't load.
                if not out_of_memory(error):
                    raise ModelUnavailable(
                        say(
                            "The model “{model}” couldn't be loaded: {reason}.",
                            model=model.name,
                            reason=_reason(error),
                        )
                    ) from error
                failure = drop_tracebacks(error)
            self._device.release()
            if self._device.has_own_memory and out_of_ram(failure):
                if made_room:
                    raise failure
                make_room(NO_LIMIT)
                made_room = True
            elif not memory.fall_back(Stage.LOAD, memory.plan.batch):
                raise failure

    def _built(self, model: Model, files: LocalFiles, inspection: Inspection, plan: Plan) -> Any:
        with BUILD_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            allow_pickle = self._setup.settings.allow_pickle
            return build_pipeline(model, files, inspection, plan, allow_pickle=allow_pickle)

    def _require_ram(self, model: Model, plan: Plan) -> None:
        """Raise `ModelUnavailable` if the system would end the program rather than load `plan`."""
        free = self._device.facts().ram_free_bytes + RAM_RESERVE + psutil.swap_memory().free
        if self._device.has_own_memory and plan.ram_bytes > free:
            reason = say(
                "Its weights need {needed} of RAM; only {free} free, swap included.",
                needed=human_size(plan.ram_bytes),
                free=human_size(free),
            )
            raise ModelUnavailable(_not_loaded(model, reason))

    def _weight_bytes(self, inspection: Inspection) -> int:
        """What the weights will take in RAM, unquantized where the plan decides."""
        number_bytes = 4 if self._device.name.type == "cpu" else 2
        return sum(
            component.stored_bytes if component.stored_as else number_bytes * component.parameters
            for component in inspection.components
        )

    def _assemble(
        self, model: Model, pipe: Any, files: LocalFiles, memory: ModelMemory
    ) -> LoadedModel:
        pipe.set_progress_bar_config(disable=True)
        if self._device.name.type == "cpu" and is_stepped(pipe):
            use_cpu_kernels(pipe.components.values())
        cast_layerwise(pipe, memory.plan)
        previewer = None
        settings = self._setup.settings
        if settings.speed != "exact":
            where = model.name, pipe, self._device.name, getattr(torch, memory.plan.dtype)
            attend_faster(*where)
            previewer = tiny_previewer(*where) if settings.previews else None
        kind = OffloadedComponents if is_stepped(pipe) else AccelerateOffload
        plan = memory.plan if self._device.has_own_memory else None
        acceleration = self._acceleration(model, pipe, memory)
        components = kind(pipe, self._device.name, plan)
        family = family_of(
            pipe,
            components,
            files.folder,
            adapters=self._setup.adapters,
            inversions=self._inversions,
            previewer=previewer,
            acceleration=acceleration,
            controls=self._setup.controls,
            find_control=self._setup.find_network,
            find_ip_adapter=self._setup.find_ip_adapter,
        )
        log.info("Loaded %s: %s as %s", model.name, type(pipe).__name__, type(family).__name__)
        if hasattr(pipe, "vae"):
            apply_vae_tiling(pipe.vae, memory.plan)
        return LoadedModel(
            model=model,
            family=family,
            components=components,
            memory=memory,
            pipe=pipe,
            load_key=load_key_of(memory.plan),
            offloads=self._device.has_own_memory,
            acceleration=acceleration,
        )

    def _acceleration(self, model: Model, pipe: Any, memory: ModelMemory) -> Acceleration | None:
        """On an NVIDIA or AMD card, for what the engine steps itself."""
        cache = self._setup.cache
        family = family_named_by(type(pipe).__name__)
        if cache is None or family is None or not is_stepped(pipe):
            return None
        if self._device.name.type != "cuda":
            return None
        device = self._device.facts().name
        return Acceleration(
            pipe,
            FAMILIES[family].denoiser,
            self._device.name,
            Tuning(cache, device, model.name, memory.plan.dtype),
            lambda: memory.plan,
            lambda: memory.usable_bytes,
            name=model.name,
            folder=cache / "compiled",
        )


def _reason(error: Exception) -> str:
    """The first line of an error's text; with its name where the text alone says nothing."""
    first = str(error).strip().split("\n", 1)[0].rstrip(".")
    return (
        first
        if isinstance(error, OSError | ValueError) and first
        else f"{type(error).__name__}: {first}"
    )


def _not_loaded(model: Model, reason: str) -> str:
    return say("The model “{model}” couldn't be loaded. {reason}", model=model.name, reason=reason)
