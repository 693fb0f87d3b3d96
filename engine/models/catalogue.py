"""The models that people may paint with, as the settings and commands name them."""

import difflib
import logging
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from engine.errors import InvalidModel, InvalidRequest, UnknownModel
from engine.hub.pipeline_class import PipelineClass
from engine.memory.plan import MemoryOptions, Offload
from engine.models.checkpoint import Licence
from engine.models.defaults import fill_in
from engine.models.families import FAMILIES, IP_ADAPTER_FAMILIES
from engine.models.names import free_name
from engine.settings import BUILT_IN_MODEL, EngineSettings, ModelSettings
from speech import join_list, phrase, say

log = logging.getLogger(__name__)

SKETCH_FOLDER = Path(__file__).parent.parent / "sketch"

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

NAME = re.compile(r"[\w.-]{1,50}")
"""What a name may look like: people type it, and it stands in headers of the settings."""


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


SKETCH = Model(
    name=BUILT_IN_MODEL,
    source=str(SKETCH_FOLDER),
    description=phrase("Built in: small flat illustrations of simple things"),
    revision=None,
    variant=None,
    dtype="auto",
    width=128,
    height=128,
    min_side=96,
    max_side=192,
    multiple_of=16,
    num_inference_steps=20,
    max_steps=150,
    guidance_scale=3.0,
    scheduler="default",
    ratios=("1:1", "3:2", "2:3"),
    family="sd",
)


class Catalogue:
    """The models by name: the built-in one, those of the settings, those added by command."""

    def __init__(
        self,
        models: Mapping[str, ModelSettings],
        default: str,
        draft: str | None = None,
        ip_adapters: Collection[str] = (),
    ) -> None:
        """Take the models of the settings.

        Args:
            models: By name.
            default: Which one paints where none was chosen.
            draft: Which one paints drafts; it may be added by command later.
            ip_adapters: The families that the settings have an IP-Adapter for.

        Raises:
            UnknownModel: When `default` is not configured.
            InvalidModel: As `Model.of` does.
        """
        self._ip_adapters = frozenset(ip_adapters)
        self._models: dict[str, Model] = {}
        self.configure(models, default, draft)

    def configure(
        self, models: Mapping[str, ModelSettings], default: str, draft: str | None
    ) -> None:
        """Have exactly these models of the settings, beside those added by command.

        Raises as the constructor does; then nothing has changed.
        """
        added = {name: one for name, one in self._models.items() if one.added}
        configured = {
            name: self._equipped(Model.of(name, settings)) for name, settings in models.items()
        }
        before, self._models = self._models, {SKETCH.name: SKETCH} | added | configured
        try:
            self.default = self[default]
        except UnknownModel:
            self._models = before
            raise
        self._draft = draft

    def add(self, name: str, settings: ModelSettings) -> Model:
        """Add a model by command; one that was added before under that name is replaced.

        Raises:
            InvalidModel: When the name is taken by the program or the settings or is no name, or
                the values do not go together.
        """
        check_name(name)
        if name in self._models and not self._models[name].added:
            raise InvalidModel(
                say("There's already a model named “{name}”. Choose another name.", name=name)
            )
        self._models[name] = model = self._equipped(Model.of(name, settings, added=True))
        return model

    def _equipped(self, model: Model) -> Model:
        """The model, with whether an IP-Adapter shows it pictures."""
        has_one = model.can_have_ip_adapter and model.family in self._ip_adapters
        return replace(model, image_prompts=has_one)

    def restore(self, added: Mapping[str, ModelSettings]) -> None:
        """Add again what was added before; the settings file may have taken a name since."""
        for name, settings in added.items():
            if name in self._models and self._models[name].added:
                continue
            try:
                self.add(name, settings)
            except InvalidModel as error:
                log.warning("The model “%s” that was added by command is left out: %s", name, error)

    def remove(self, name: str) -> Model:
        """Take out a model that was added by command, and return it. Raises as `removable`."""
        self.removable(name)
        return self._models.pop(name)

    def removable(self, name: str) -> Model:
        """The model of that name, if a command may take it out.

        Raises:
            UnknownModel: With the nearest name that exists.
            InvalidModel: When it is not for commands to remove.
        """
        model = self[name]
        if model is SKETCH:
            raise InvalidModel(say("“{name}” is built in and can't be removed.", name=name))
        if not model.added:
            raise InvalidModel(
                say(
                    "“{name}” is in the settings file. Remove [models.{name}] from it, then use "
                    "`/reload`.",
                    name=name,
                )
            )
        return model

    def suggest_name(self, source: str) -> str:
        """A name for a model from `source` that is not taken yet.

        Args:
            source: Hub id, folder or file.
        """
        return free_name(source, "model", self)

    def __getitem__(self, name: str) -> Model:
        """The model called `name`.

        Raises:
            UnknownModel: With the nearest name that exists.
        """
        try:
            return self._models[name]
        except KeyError:
            known = join_list(tuple(self._models))
            for near in difflib.get_close_matches(name, self._models, n=1):
                sentence = say(
                    "There's no model “{name}”. Did you mean “{near}”? Models: {known}.",
                    name=name,
                    near=near,
                    known=known,
                )
                raise UnknownModel(sentence) from None
            raise UnknownModel(
                say("There's no model “{name}”. Models: {known}.", name=name, known=known)
            ) from None

    @property
    def draft(self) -> Model:
        """The quick model that paints drafts.

        Raises:
            InvalidRequest: When there is none.
        """
        if self._draft is None or self._draft not in self._models:
            raise InvalidRequest(
                say(
                    "There's no quick model for drafts here, so remove --draft. The bot's owner "
                    "can set one: `draft_model` in the section `[engine]` of the settings."
                )
            )
        return self._models[self._draft]

    def find(self, name: str | None) -> Model:
        """The model called `name`, or the default one when there is none of that name."""
        return self.default if name is None else self._models.get(name, self.default)

    def __contains__(self, name: object) -> bool:
        return name in self._models

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)


def check_name(name: str) -> None:
    """Raise `InvalidModel` unless a model may be called `name`."""
    if not NAME.fullmatch(name):
        raise InvalidModel(
            say(
                "“{name}” isn't a valid name. Use 1 to 50 letters, digits, dots, hyphens or "
                "underscores.",
                name=name,
            )
        )
