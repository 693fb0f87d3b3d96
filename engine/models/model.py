"""A model: what its family, its files and its owner make of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from engine.hub.pipeline_class import PipelineClass
from engine.memory.plan import MemoryOptions, Offload
from engine.models.checkpoint import Licence
from engine.models.defaults import fill_in
from engine.models.families import FAMILIES, IP_ADAPTER_FAMILIES
from engine.settings import BUILT_IN_MODEL, EngineSettings, ModelSettings

RATIOS: Mapping[str, float] = {
    "1:1": 1.0,
    "4:3": 4 / 3,
    "3:4": 3 / 4,
    "3:2": 3 / 2,
    "2:3": 2 / 3,
    "16:9": 16 / 9,
    "9:16": 9 / 16,
}


MAX_IMAGE_PROMPTS = 4
"""Pictures that an IP-Adapter shows a model at most: as many as `/blend` takes."""

UPSCALE = 2
"""How many times as large as its own largest pictures a model may make those that it is given."""

SWITCHES: Mapping[str, bool | None] = {"on": True, "off": False, "auto": None}


class Size(NamedTuple):
    """A size on offer: `ratio` is its name, the sides are in pixels."""

    ratio: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of the catalogue. Sides are in pixels.

    Attributes:
        dtype: `float16`, `bfloat16`, `float32`; `auto` is half precision that is safe for the
            family on a GPU, single on the CPU.
        ratios: Names of the aspect ratios to offer, from `RATIOS`.
        family: Name in `FAMILIES`; `None` while it is not known, or for a model
            that runs whole.
        whole: What the pipeline of a model that runs whole takes; `None` while it is not known.
        licence: Its terms, where they are known.
        gated: Whether the Hub wants its terms accepted first.
        download_bytes: Size of the files that are needed, where it is known.
        scheduler_options: Laid over the configuration of the scheduler that the source brings
            along, and so of any other that is asked for.
        denoiser: File in place of the source's own denoiser.
        offload: The owner's word for this model alone, as are the next two; `None` is the
            engine's settings.
        added: Whether it came by command, not from the settings.
        image_prompts: Whether an IP-Adapter of the settings shows it pictures.
    """

    name: str
    source: str
    description: str
    revision: str | None
    variant: str | None
    dtype: str
    width: int
    height: int
    min_side: int
    max_side: int
    multiple_of: int
    num_inference_steps: int
    max_steps: int
    guidance_scale: float
    scheduler: str
    ratios: tuple[str, ...] = tuple(RATIOS)
    family: str | None = None
    whole: PipelineClass | None = None
    licence: Licence | None = None
    gated: bool = False
    download_bytes: int | None = None
    scheduler_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    denoiser: str | None = None
    offload: str | None = None
    quantize: str | None = None
    quantize_text_encoder: str | None = None
    added: bool = False
    image_prompts: bool = False

    @property
    def edits(self) -> bool:
        """Whether it sees pictures beside the prompt, to edit or combine them by words."""
        return self.family is not None and FAMILIES[self.family].references > 0

    @property
    def max_references(self) -> int:
        """How many pictures it can be shown."""
        if self.family is None:
            return 0
        return FAMILIES[self.family].references or MAX_IMAGE_PROMPTS * self.image_prompts

    @property
    def can_have_ip_adapter(self) -> bool:
        """Whether there are IP-Adapters for its family; the built-in model has none."""
        return self.family in IP_ADAPTER_FAMILIES and self.name != BUILT_IN_MODEL

    @property
    def max_upscaled_side(self) -> int:
        """The largest side of a picture that keeps the composition of a smaller one."""
        return UPSCALE * self.max_side

    @property
    def image_to_image(self) -> bool:
        """Whether it takes a picture to start from, or as a reference."""
        if self.family is not None:
            return FAMILIES[self.family].image_to_image
        return self.whole is not None and self.whole.image_to_image is not None

    @property
    def inpaint(self) -> bool:
        """Whether it takes a mask."""
        return self.family is not None and FAMILIES[self.family].inpaint

    @classmethod
    def of(
        cls,
        name: str,
        settings: ModelSettings,
        *,
        added: bool = False,
        family: str | None = None,
        pipeline: str | None = None,
    ) -> Self:
        """The model of that entry, with what is known of it where the settings are silent.

        Args:
            name: What people call it.
            settings: What its owner has decided.
            added: Whether it came by command.
            family: Its family, where somebody has looked into files that are not on disk.
            pipeline: Class name of its pipeline, likewise.

        Raises:
            InvalidModel: When the values do not go together.
        """
        values = fill_in(settings, family, pipeline)
        # A dict of its own: a model goes to the device's process, and tables of constants can't.
        values["scheduler_options"] = dict(values["scheduler_options"])
        return cls(name=name, added=added, **values)

    def memory_options(self, engine: EngineSettings) -> MemoryOptions:
        """What the owner has decided about where and how its weights are kept."""
        return MemoryOptions(
            offload=Offload(self.offload or engine.offload),
            quantize=self.quantize or engine.quantize,
            quantize_text_encoder=self.quantize_text_encoder or engine.quantize_text_encoder,
            vae_tiling=SWITCHES[engine.vae_tiling],
            dtype=self.dtype,
            speed=engine.speed,
        )

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes to offer: each ratio at about the area of the default size, where it fits."""
        sizes: dict[tuple[int, int], Size] = {}
        for ratio in self.ratios:
            width, height = self.sides(RATIOS[ratio])
            if min(width, height) >= self.min_side:
                sizes.setdefault((width, height), Size(ratio, width, height))
        return tuple(sizes.values())

    def sides(self, ratio: float) -> tuple[int, int]:
        """Width and height of that ratio; smaller in both where one would be too long."""
        largest = self.max_side // self.multiple_of * self.multiple_of
        width = math.sqrt(self.width * self.height * ratio)
        height = width / ratio
        scale = min(1.0, largest / max(width, height))
        return self._rounded(width * scale), self._rounded(height * scale)

    def _rounded(self, side: float) -> int:
        return round(side / self.multiple_of) * self.multiple_of
