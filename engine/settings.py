"""The engine's own settings. Where they are read from is the caller's affair."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from engine.models.families import FAMILIES
from engine.models.schedulers import SCHEDULERS

BUILT_IN_MODEL = "sketch"

MAX_ADAPTER_WEIGHT = 4.0
"""How far from nothing a LoRA may be applied, in either direction; 1 is as it was trained."""

Side = Annotated[int, Field(ge=16, le=4096)]

Offloading = Literal["auto", "resident", "encoders", "model", "stream", "sequential"]
Quantizing = Literal["never", "if_needed", "bnb8", "nf4", "int8", "float8", "layerwise"]
Switch = Literal["auto", "on", "off"]


def _bare(value: Any) -> Any:
    """Files and environments often bring a line's end or quotes along; an empty token is none."""
    return (value.strip().strip("\"'") or None) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """Environment variables hold text: “porn, hentai” is a list there."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _gigabytes_or_auto(value: Any) -> Any:
    try:
        if value == "auto" or (not isinstance(value, bool) and 0 <= float(value) < float("inf")):
            return value if value == "auto" else float(value)
    except (TypeError, ValueError):
        pass
    raise ValueError('Allowed: a number of gigabytes from 0 on or "auto".')


GigabytesOrAuto = Annotated[float | Literal["auto"], BeforeValidator(_gigabytes_or_auto)]


class Section(BaseModel):
    """A part of the settings; a key that does not exist is an error, not a shrug."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageSettings(Section):
    """Where the database and the pictures are kept."""

    path: Path = Field(
        default=Path("data"),
        description="Folder for the database and the pictures; relative to the settings file.",
    )
    keep_days: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="Days after which finished jobs and their pictures are removed, favourites "
        "excepted; without it, never.",
    )
    keep_gb: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="Gigabytes that pictures may take: beyond, the oldest are removed, favourites "
        "excepted; without it, as many as there are.",
    )


class SafetySettings(Section):
    """Which pictures count as unsafe. What becomes of them, servers and `[discord]` decide."""

    classifier: str | None = Field(
        default=None,
        min_length=1,
        description="An image classifier of Transformers that looks at every picture: a Hugging "
        "Face Hub id, or a folder. Without it, none are looked at.",
    )
    labels: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
        default=("nsfw",), description="Which of its labels count as unsafe."
    )
    threshold: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="From which score on, 0 to 1, a picture counts as unsafe."
    )


class EngineSettings(Section):
    """How pictures are painted."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        default="auto",
        description="auto takes the CUDA GPU when there is one. Or: cpu, cuda, cuda:1, mps.",
    )
    offload: Offloading = Field(
        default="auto",
        description="Where weights wait on a GPU: auto takes the fastest way that fits. resident "
        "keeps all on the card, encoders all but the text encoders, model moves one component at "
        "a time to it, stream the blocks of one, sequential one layer (least memory, slow).",
    )
    quantize: Quantizing = Field(
        default="never",
        description="Whether the denoiser's weights may be stored in fewer bits, which changes "
        "pictures a little: never, if_needed, or always in one way.",
    )
    quantize_text_encoder: Quantizing = Field(
        default="never", description="The same for the text encoders."
    )
    vae_tiling: Switch = Field(
        default="auto", description="Decode pictures in tiles: less memory, a little slower."
    )
    vae_slicing: Switch = Field(
        default="auto", description="Decode the pictures of a batch one after the other."
    )
    reserve_gb: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=0.5, description="Gigabytes of the card that are left to other programs."
    )
    memory_gb: Annotated[float, Field(ge=0.5, le=1000)] | None = Field(
        default=None, description="Use no more of the card than so many gigabytes."
    )
    models_in_ram_gb: GigabytesOrAuto = Field(
        default="auto",
        description="Gigabytes of RAM for models used before, so that going back to one is quick; "
        "auto goes by what is free.",
    )
    allow_pickle: bool = Field(
        default=False,
        description="Load weights in the pickle format as well, which can run any program.",
    )
    hub_token: Annotated[SecretStr | None, BeforeValidator(_bare)] = Field(
        default=None,
        description="A token of the Hugging Face Hub, for models behind a licence. Without it, "
        "HF_TOKEN in the environment or that of `hf auth login`.",
    )
    hub_url: str = Field(
        default="https://huggingface.co",
        pattern=r"^https?://[^\s/]+(/[^\s/]+)*$",
        description="Where the Hub is: an http:// or https:// address, no slash at the end.",
    )
    default_model: str = Field(
        default=BUILT_IN_MODEL,
        description="The model used where a server has not chosen another.",
    )
    batch_size: Annotated[int, Field(ge=1, le=32)] = Field(
        default=4, description="How many pictures are painted side by side."
    )
    patience: Annotated[float, Field(ge=0)] = Field(
        default=60.0,
        description="Seconds that one model may go on while a job for another waits its turn.",
    )
    grace: Annotated[float, Field(ge=0, le=600)] = Field(
        default=5.0,
        description="Seconds that jobs in hand get to finish when the program is told to stop.",
    )
    previews: bool = Field(
        default=True, description="Show a small picture of the work in progress."
    )


class ModelSettings(Section):
    """One model that people may paint with; what is not given is as is known of the model."""

    source: str = Field(
        description="A Hugging Face Hub id, a folder in the Diffusers layout, or a file.",
        min_length=1,
    )
    description: str | None = Field(
        default=None, max_length=100, description="A line for lists of models."
    )
    revision: str | None = Field(default=None, description="Branch, tag or commit on the Hub.")
    variant: str | None = Field(
        default=None, description='Weight variant, such as "fp16"; "" for none.'
    )
    dtype: Literal["auto", "float16", "bfloat16", "float32"] | None = Field(
        default=None,
        description="Precision of the weights. auto is the half precision that is safe for the "
        "model on a GPU, single on the CPU.",
    )
    denoiser: str | None = Field(
        default=None,
        min_length=1,
        description="A GGUF or safetensors file with the denoiser, in place of the source's own: "
        "on this machine, or on the Hub as owner/name/file.",
    )
    width: Side | None = Field(default=None, description="Default width in pixels.")
    height: Side | None = Field(default=None, description="Default height in pixels.")
    min_side: Side | None = Field(default=None, description="Smallest side that may be asked for.")
    max_side: Side | None = Field(default=None, description="Largest side that may be asked for.")
    multiple_of: Annotated[int, Field(ge=8, le=128)] | None = Field(
        default=None, description="Sides are multiples of this many pixels."
    )
    num_inference_steps: Annotated[int, Field(ge=1, le=150)] | None = Field(
        default=None, description="Default number of denoising steps."
    )
    max_steps: Annotated[int, Field(ge=1, le=150)] | None = Field(
        default=None, description="The most steps that may be asked for."
    )
    guidance_scale: Annotated[float, Field(ge=0, le=30)] | None = Field(
        default=None, description="Default guidance; 1 and below turns it off."
    )
    scheduler: Literal[tuple(SCHEDULERS)] | None = Field(  # type: ignore[valid-type]
        default=None,
        description="Default scheduler; “default” is the one that the model brings along.",
    )
    offload: Offloading | None = Field(
        default=None, description="As in [engine], for this model alone."
    )
    quantize: Quantizing | None = Field(
        default=None, description="As in [engine], for this model alone."
    )
    quantize_text_encoder: Quantizing | None = Field(
        default=None, description="As in [engine], for this model alone."
    )


class AdapterSettings(Section):
    """One LoRA that people may add to a model."""

    source: str = Field(
        description="A file, a folder, or a Hugging Face Hub id, a file in it after a slash.",
        min_length=1,
    )
    weight: Annotated[float, Field(ge=-MAX_ADAPTER_WEIGHT, le=MAX_ADAPTER_WEIGHT)] = Field(
        default=1.0, description="How much of it, without asking; 1 is as it was trained."
    )
    trigger: str = Field(
        default="", max_length=200, description="Words that it was trained to answer to."
    )
    description: str = Field(
        default="", max_length=100, description="A line for lists of adapters."
    )
    family: Literal[tuple(FAMILIES)] | None = Field(  # type: ignore[valid-type]
        default=None, description="The kind of model that it is for, where its file does not tell."
    )
