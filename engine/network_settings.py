"""The settings of models that work beside those that paint: on pictures, on prompts, with maps."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from engine.models.families import IP_ADAPTER_FAMILIES
from engine.settings import FileSource, OptionalFileSource, Section, listed


class BackgroundSettings(Section):
    """How the background of a picture is removed."""

    model: OptionalFileSource = Field(
        default=None,
        description="A Transformers model for semantic segmentation that tells subjects from the "
        "background: a Hugging Face Hub ID, or a folder. Unset: backgrounds aren't removed.",
    )
    labels: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)] = Field(
        default=("background",),
        description="The model's labels that count as background. One with a single label finds "
        "the subject, and needs none.",
    )


Threads = Annotated[int, Field(ge=1, le=64)]


class DescribeSettings(Section):
    """How pictures are described."""

    model: OptionalFileSource = Field(
        default=None,
        description="A captioning or vision-language model of Transformers for `/describe`: a "
        "Hugging Face Hub ID, or a folder. Unset: pictures aren't described.",
    )
    threads: Threads = Field(
        default=1,
        description="Processor cores that it may use. With more it's quicker, but what is painted "
        "on the CPU waits.",
    )


class PromptSettings(Section):
    """How prompts are rewritten."""

    model: OptionalFileSource = Field(
        default=None,
        description="A small instruct model of Transformers for `/prompt`: a Hugging Face Hub ID, "
        "or a folder. Unset: prompts aren't rewritten.",
    )
    threads: Threads = Field(
        default=1,
        description="Processor cores that it may use, as in [describe].",
    )


class MapSettings(Section):
    """How depth maps and poses are read from pictures; edges and lines need no model."""

    depth_model: OptionalFileSource = Field(
        default=None,
        description="A Transformers model for depth estimation: a Hugging Face Hub ID, or a "
        "folder. Unset: no depth maps are made.",
    )
    pose_model: OptionalFileSource = Field(
        default=None,
        description="A Transformers model for pose estimation (ViTPose). Unset: no poses are read.",
    )
    person_model: OptionalFileSource = Field(
        default=None,
        description="A Transformers model for object detection that finds the people for the pose "
        "model. Unset: the whole picture counts as one person.",
    )


class UpscalerSettings(Section):
    """A network that enlarges pictures; its file says how many times."""

    source: FileSource = Field(
        description="A file on this machine, or on the Hub as owner/name/file: ESRGAN, DAT, SwinIR "
        "and whatever else spandrel loads.",
    )
    licence: str = Field(default="", max_length=100, description="Its licence, for `check`.")


class ControlSettings(Section):
    """A control network (ControlNet) that members can paint with."""

    source: FileSource = Field(
        description="A Hugging Face Hub ID, a folder, or a safetensors file, on the Hub as "
        "owner/name/file.",
    )
    family: Literal["sd", "sdxl", "qwen-image", "z-image"] | None = Field(
        default=None,
        description="The model family it's for. Unset: as known of the source, else sdxl.",
    )
    types: Annotated[
        tuple[Literal["pose", "depth", "edges", "lines", "tile"], ...], BeforeValidator(listed)
    ] = Field(
        default=(),
        description="The types of control picture it was trained on. Unset: as known of the "
        "source, else all but tile.",
    )
    licence: str = Field(default="", max_length=100, description="Its licence, for `check`.")


class IPAdapterSettings(Section):
    """An IP-Adapter, which shows pictures to the models of a family that only read words."""

    family: Literal[IP_ADAPTER_FAMILIES] = Field(  # type: ignore[valid-type]
        description="The family of the models that it's for: sd (Stable Diffusion 1.5) or sdxl."
    )
    source: FileSource = Field(
        description="A .safetensors file on this machine, or on the Hub as owner/name/file.",
    )
    image_encoder: FileSource = Field(
        description="The CLIP image encoder that it was trained with: a folder with config.json "
        "and model.safetensors on this machine, or on the Hub as owner/name/folder.",
    )
    licence: str = Field(default="", max_length=100, description="Its licence, for `check`.")
