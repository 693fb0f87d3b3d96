"""The engine's own settings. Where they are read from is the caller's affair."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.schedulers import SCHEDULERS

BUILT_IN_MODEL = "sketch"

Side = Annotated[int, Field(ge=16, le=4096)]


class Section(BaseModel):
    """A part of the settings; a key that does not exist is an error, not a shrug."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageSettings(Section):
    """Where the database and the pictures are kept."""

    path: Path = Field(
        default=Path("data"),
        description="Folder for the database and the pictures; relative to the settings file.",
    )


class EngineSettings(Section):
    """How pictures are painted."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        default="auto",
        description="auto takes the CUDA GPU when there is one. Or: cpu, cuda, cuda:1, mps.",
    )
    offload: Literal["resident", "model", "sequential"] = Field(
        default="model",
        description="Where weights wait on a GPU: resident keeps all on the card (fastest), model "
        "moves one component at a time to it, sequential one layer at a time (least memory, slow).",
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
    """One model that people may paint with."""

    source: str = Field(
        description="A Hugging Face Hub id, or a folder in the Diffusers layout.", min_length=1
    )
    description: str = Field(default="", max_length=100, description="A line for lists of models.")
    revision: str | None = Field(default=None, description="Branch, tag or commit on the Hub.")
    variant: str | None = Field(default=None, description='Weight variant, such as "fp16".')
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = Field(
        default="auto",
        description="Precision of the weights. auto is float16 on a GPU; some newer models, FLUX "
        "among them, need bfloat16.",
    )
    width: Side = Field(default=512, description="Default width in pixels.")
    height: Side = Field(default=512, description="Default height in pixels.")
    min_side: Side = Field(default=256, description="Smallest side that may be asked for.")
    max_side: Side = Field(default=768, description="Largest side that may be asked for.")
    multiple_of: Annotated[int, Field(ge=8, le=128)] = Field(
        default=8, description="Sides are multiples of this many pixels."
    )
    num_inference_steps: Annotated[int, Field(ge=1, le=150)] = Field(
        default=25, description="Default number of denoising steps."
    )
    max_steps: Annotated[int, Field(ge=1, le=150)] = Field(
        default=150, description="The most steps that may be asked for."
    )
    guidance_scale: Annotated[float, Field(ge=0, le=30)] = Field(
        default=7.0, description="Default guidance; 1 and below turns it off."
    )
    scheduler: Literal[tuple(SCHEDULERS)] = Field(  # type: ignore[valid-type]
        default="default",
        description="Default scheduler; “default” is the one that the model brings along.",
    )

    @model_validator(mode="after")
    def _default_size_is_allowed(self) -> Self:
        for side, pixels in (("width", self.width), ("height", self.height)):
            if not self.min_side <= pixels <= self.max_side or pixels % self.multiple_of:
                raise ValueError(
                    f"{side} {pixels} must lie between min_side {self.min_side} and max_side "
                    f"{self.max_side}, and be a multiple of {self.multiple_of}"
                )
        return self
