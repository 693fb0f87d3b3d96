"""The engine's settings. The caller decides where they're read from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic.fields import FieldInfo

from engine.device_names import WORDS as DEVICE_WORDS
from engine.device_names import checked_devices
from engine.models.families import FAMILIES
from engine.models.schedulers import SCHEDULERS

BUILT_IN_MODEL = "sketch"

MAX_ADAPTER_WEIGHT = 4.0
"""Largest LoRA weight, positive or negative; 1 is as trained."""

Side = Annotated[int, Field(ge=16, le=4096)]

Offloading = Literal["auto", "resident", "encoders", "model", "stream", "sequential"]
Quantizing = Literal["never", "if_needed", "bnb8", "nf4", "int8", "float8", "layerwise"]
Switch = Literal["auto", "on", "off"]
Metadata = Literal["full", "minimal", "none"]
Speed = Literal["exact", "close", "quick"]


def _bare(value: Any) -> Any:
    """Strip newlines and quotes that files and shells leave around a token; `None` if empty."""
    return (value.strip().strip("\"'") or None) if isinstance(value, str) else value


def listed(value: Any) -> Any:
    """Split a comma-separated list, as environment variables have it."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _gigabytes_or_auto(value: Any) -> Any:
    try:
        if value == "auto" or (not isinstance(value, bool) and 0 <= float(value) < float("inf")):
            return value if value == "auto" else float(value)
    except (TypeError, ValueError):
        pass
    raise ValueError('Allowed: a number of gigabytes from 0 up or "auto".')


GigabytesOrAuto = Annotated[float | Literal["auto"], BeforeValidator(_gigabytes_or_auto)]


@dataclass(frozen=True, slots=True)
class NamesFiles:
    """Marks a setting whose text names files: on this machine, on the Hub or on Civitai."""


FileSource = Annotated[str, Field(min_length=1), NamesFiles()]
OptionalFileSource = Annotated[str | None, Field(min_length=1), NamesFiles()]


class Section(BaseModel):
    """A section of the settings; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def file_sources(self) -> dict[str, str]:
        """What the section says that names files, by key; without what is unset."""
        marked = (key for key, field in type(self).model_fields.items() if names_files(field))
        return {key: text for key in marked if (text := getattr(self, key)) is not None}


def names_files(field: FieldInfo) -> bool:
    """Whether the text of that setting names files."""
    return NamesFiles() in field.metadata


class StorageSettings(Section):
    """Where the database and pictures are stored, and for how long."""

    path: Path = Field(
        default=Path("data"),
        description="Folder for the database and pictures, relative to the settings file.",
    )
    keep_days: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="Remove finished jobs and their pictures after this many days, except "
        "favourites. Unset: never.",
    )
    keep_gb: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="Gigabytes for pictures. Beyond that the oldest are removed, except "
        "favourites. Unset: no limit.",
    )
    uploads_gb: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        default=5.0,
        description="Gigabytes for start images and masks. Beyond that the oldest that no job "
        "needs are removed.",
    )
    metadata: Metadata = Field(
        default="full",
        description="What picture files say of themselves. full: that they're AI-made, and their "
        "settings. minimal: only that they're AI-made. none: nothing.",
    )


class SafetySettings(Section):
    """How NSFW pictures are detected. `[discord]` and each server decide what happens to them."""

    classifier: OptionalFileSource = Field(
        default=None,
        description="A Transformers image classifier that checks every picture: a Hugging Face "
        "Hub ID, or a folder. Unset: pictures aren't checked.",
    )
    labels: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)] = Field(
        default=("nsfw",), description="The classifier's labels that count as NSFW."
    )
    threshold: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="Score, 0 to 1, from which a picture counts as NSFW."
    )


class EngineSettings(Section):
    """How pictures are painted."""

    device: Annotated[str | tuple[str, ...], BeforeValidator(checked_devices)] = Field(
        default="auto", description=DEVICE_WORDS
    )
    offload: Offloading = Field(
        default="auto",
        description="Where weights are kept on a GPU. auto picks the fastest way that fits. "
        "resident keeps everything on the card, encoders all but the text encoders; model moves "
        "one component at a time to the card, stream one block, sequential one layer (least "
        "memory, slow).",
    )
    quantize: Quantizing = Field(
        default="never",
        description="Whether to store the denoiser's weights in fewer bits, which changes "
        "pictures slightly: never, if_needed, or always in one way.",
    )
    quantize_text_encoder: Quantizing = Field(
        default="never", description="The same for the text encoders."
    )
    vae_tiling: Switch = Field(
        default="auto", description="Decode pictures in tiles: less memory, slightly slower."
    )
    reserve_gb: GigabytesOrAuto = Field(
        default="auto",
        description="Gigabytes of the card to leave for other programs. auto leaves more where a "
        "desktop uses the card.",
    )
    memory_gb: Annotated[float, Field(ge=0.5, le=1000)] | None = Field(
        default=None, description="Use at most this many gigabytes of the card."
    )
    models_in_ram_gb: GigabytesOrAuto = Field(
        default="auto",
        description="Gigabytes of RAM for recently used models, which makes switching back fast. "
        "auto depends on free RAM.",
    )
    speed: Speed = Field(
        default="exact",
        description="How far pictures may differ from those that Diffusers paints, to be painted "
        "faster. exact: in the last digit at most, by sums added up in another order. close: by "
        "rounding, in faster matrix multiplication and attention. quick: also by some denoiser "
        "calls left out, of models that take 20 steps or more.",
    )
    allow_pickle: bool = Field(
        default=False,
        description="Also load pickle weights, which can run any code.",
    )
    hub_token: Annotated[SecretStr | None, BeforeValidator(_bare)] = Field(
        default=None,
        description="A Hugging Face Hub token, for gated models. Unset: HF_TOKEN from the "
        "environment, or the token of `hf auth login`.",
    )
    hub_url: str = Field(
        default="https://huggingface.co",
        pattern=r"^https?://[^\s/]+(/[^\s/]+)*$",
        description="Address of the Hub, starting with http:// or https://, without a final slash.",
    )
    civitai_token: Annotated[SecretStr | None, BeforeValidator(_bare)] = Field(
        default=None,
        description="A Civitai API key, for what needs a login there. Unset: CIVITAI_TOKEN from "
        "the environment.",
    )
    civitai_url: str = Field(
        default="https://civitai.com",
        pattern=r"^https?://[^\s/]+(/[^\s/]+)*$",
        description="Address of Civitai, starting with http:// or https://, without a final slash.",
    )
    default_model: str = Field(
        default=BUILT_IN_MODEL,
        description="The model of servers that haven't chosen one.",
    )
    draft_model: str | None = Field(
        default=None,
        min_length=1,
        description="The quick model that paints drafts (`--draft`). Unset: no drafts.",
    )
    batch_size: Annotated[int, Field(ge=1, le=32)] = Field(
        default=4, description="How many pictures are painted at the same time."
    )
    patience: Annotated[float, Field(ge=0)] = Field(
        default=60.0,
        description="Seconds a model can keep the device while a job for another model waits.",
    )
    grace: Annotated[float, Field(ge=0, le=600)] = Field(
        default=5.0,
        description="Seconds that running jobs get to finish when the program is stopped.",
    )
    previews: bool = Field(
        default=True, description="Show a small preview while a picture is painted."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_retired(cls, given: Any) -> Any:
        """Settings files of older versions have `vae_slicing`, which never did anything."""
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if key != "vae_slicing"}

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that pictures are painted on, by name; the first is the one that's asked."""
        return (self.device,) if isinstance(self.device, str) else self.device

    def on(self, device: str) -> Self:
        """These settings for one of the devices."""
        return self.model_copy(update={"device": device})

    @property
    def plain_hub_token(self) -> str | None:
        """The Hub token as text."""
        return self.hub_token.get_secret_value() if self.hub_token else None

    @property
    def plain_civitai_token(self) -> str | None:
        """The Civitai token as text."""
        return self.civitai_token.get_secret_value() if self.civitai_token else None


class ModelSettings(Section):
    """A model that members can paint with; unset values are those known for the model."""

    source: FileSource = Field(
        description="A Hugging Face Hub ID, a folder in the Diffusers layout, a file, or a version "
        "on Civitai as civitai:NUMBER.",
    )
    description: str | None = Field(
        default=None, max_length=100, description="One line for lists of models."
    )
    revision: str | None = Field(default=None, description="Branch, tag or commit on the Hub.")
    variant: str | None = Field(
        default=None, description='Weight variant, such as "fp16"; "" for none.'
    )
    dtype: Literal["auto", "float16", "bfloat16", "float32"] | None = Field(
        default=None,
        description="Precision of the weights. auto is the half precision that's safe for the "
        "model on a GPU, and float32 on the CPU.",
    )
    denoiser: OptionalFileSource = Field(
        default=None,
        description="A GGUF or safetensors file to use instead of the source's own denoiser: on "
        "this machine, or on the Hub as owner/name/file.",
    )
    width: Side | None = Field(default=None, description="Default width in pixels.")
    height: Side | None = Field(default=None, description="Default height in pixels.")
    min_side: Side | None = Field(default=None, description="Smallest allowed side.")
    max_side: Side | None = Field(default=None, description="Largest allowed side.")
    multiple_of: Annotated[int, Field(ge=8, le=128)] | None = Field(
        default=None, description="Sides must be multiples of this many pixels."
    )
    num_inference_steps: Annotated[int, Field(ge=1, le=150)] | None = Field(
        default=None, description="Default number of denoising steps."
    )
    max_steps: Annotated[int, Field(ge=1, le=150)] | None = Field(
        default=None, description="Most allowed steps."
    )
    guidance_scale: Annotated[float, Field(ge=0, le=30)] | None = Field(
        default=None, description="Default guidance; 1 or less turns it off."
    )
    scheduler: Literal[tuple(SCHEDULERS)] | None = Field(  # type: ignore[valid-type]
        default=None,
        description="Default scheduler; “default” is the model's own.",
    )
    offload: Offloading | None = Field(
        default=None, description="Like in [engine], for this model only."
    )
    quantize: Quantizing | None = Field(
        default=None, description="Like in [engine], for this model only."
    )
    quantize_text_encoder: Quantizing | None = Field(
        default=None, description="Like in [engine], for this model only."
    )


class AdapterSettings(Section):
    """A LoRA that members can use."""

    source: FileSource = Field(
        description="A file, a folder, a Hugging Face Hub ID, optionally with /file at the end, or "
        "a version on Civitai as civitai:NUMBER.",
    )
    weight: Annotated[float, Field(ge=-MAX_ADAPTER_WEIGHT, le=MAX_ADAPTER_WEIGHT)] = Field(
        default=1.0, description="Default weight; 1 is as trained."
    )
    trigger: str = Field(default="", max_length=200, description="Trigger words it was trained on.")
    description: str = Field(default="", max_length=100, description="One line for lists of LoRAs.")
    family: Literal[tuple(FAMILIES)] | None = Field(  # type: ignore[valid-type]
        default=None, description="The model family it's for, if its file doesn't say."
    )


class StoredAdapter(AdapterSettings):
    """A LoRA as the database has it: it may belong to a scope or a person.

    Attributes:
        scope: Where alone it can be used; `None` for everywhere.
        owner: Who alone can use it; `None` for everybody.
    """

    scope: str | None = None
    owner: str | None = None
