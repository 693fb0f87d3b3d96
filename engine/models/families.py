"""The kinds of pipeline that the engine steps itself: facts about each, without torch.

An entry of `FAMILIES` adds a family here, `engine.diffusion.families` holds its code, and
CONTRIBUTING.md says what else there is to do. Validation, the memory plan and the table of
checkpoints read these facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Noise(StrEnum):
    """How a model schedules noise, which decides the schedulers that work with it."""

    BETAS = "betas"
    """A discrete diffusion of a thousand betas: any scheduler by name."""
    FLOW = "flow"
    """Flow matching: the model's own scheduler, and those with flow sigmas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyFacts:
    """What is true of every model of a family.

    Attributes:
        label: Name for people.
        pipelines: Diffusers' classes, the text-to-image one first.
        text_encoders: Names of the components that encode the prompt.
        denoiser: Name of the component that is called at each step.
        noise: Which schedulers work with it.
        dtype: Half precision that is safe for it: `float16` or `bfloat16`.
        float16: Whether it can do with float16, too. Z-Image (Tongyi-MAI/Z-Image#14 and #15 on
            GitHub), Qwen-Image (Comfy-Org/ComfyUI#12522) and Gemma, the text encoder of Lumina and
            Sana (google/gemma_pytorch#10), overflow in it, and pictures come out black. The blocks
            of FLUX and SD 3 clip what overflows (huggingface/diffusers#9097).
        side: Native side of a square picture, pixels.
        multiple_of: Sides are multiples of this many pixels.
        num_inference_steps: Default steps of the undistilled model.
        guidance_scale: Default guidance of the undistilled model.
        image_to_image: Whether it takes an init image.
        inpaint: Whether it takes a mask.
        references: How many reference pictures it can be shown beside the prompt, to edit or to
            combine them by words.
        reference_tokens: Tokens that a reference picture is for the text encoder.
        edits_only: Whether it can't paint without a reference picture.
        transparent: Whether it sees what is transparent in references, and paints it.
        decode_factor: Working memory of the VAE's decoder, in numbers per pixel.
        tokens_side: Pixels per side of one token (or latent) of the denoiser's grid.
        hidden_size: Width of the denoiser's hidden states (of a UNet's at full resolution); the
            largest, if models of several sizes exist.
        step_copies: Tensors of (tokens, hidden size) that a step holds at once, as counted by the
            card in `tests/card`; 0 where they weren't counted.
        control_copies: How many more of them there are beside a control network of the largest
            kind, as counted by that card.
        guidance_rows: Batch of the denoiser for one guided picture: 2 when both prompts go through
            it at once.
        upcasts_vae: Whether to decode in float32 where the VAE's `force_upcast` says so. The VAE of
            Stable Diffusion XL, which others reuse, overflows in float16.
        seamless: Whether it can paint seamless tiles: only convolutions see neighbouring pixels.
        control: Whether it can be painted along a control picture (ControlNet).
        keeps_shapes: Whether what is painted from an init image at low strength has its shapes;
            not so where it is only a reference.
    """

    label: str
    pipelines: tuple[str, ...]
    text_encoders: tuple[str, ...]
    denoiser: str
    noise: Noise
    dtype: str
    side: int
    multiple_of: int
    num_inference_steps: int
    guidance_scale: float
    float16: bool = True
    image_to_image: bool = True
    inpaint: bool = False
    references: int = 0
    reference_tokens: int = 0
    edits_only: bool = False
    transparent: bool = False
    decode_factor: int = 2200
    tokens_side: int = 16
    hidden_size: int = 3072
    step_copies: int = 0
    control_copies: int = 0
    guidance_rows: int = 2
    upcasts_vae: bool = False
    seamless: bool = False
    control: bool = False
    keeps_shapes: bool = True


FAMILIES: Mapping[str, FamilyFacts] = MappingProxyType(
    {
        "sd": FamilyFacts(
            label="Stable Diffusion 1/2",
            pipelines=(
                "StableDiffusionPipeline",
                "StableDiffusionImg2ImgPipeline",
                "StableDiffusionInpaintPipeline",
            ),
            text_encoders=("text_encoder",),
            denoiser="unet",
            noise=Noise.BETAS,
            dtype="float16",
            side=512,
            multiple_of=8,
            num_inference_steps=25,
            guidance_scale=7.0,
            inpaint=True,
            control=True,
            tokens_side=8,
            seamless=True,
            hidden_size=320,
            step_copies=25,
        ),
        "sdxl": FamilyFacts(
            label="Stable Diffusion XL",
            pipelines=(
                "StableDiffusionXLPipeline",
                "StableDiffusionXLImg2ImgPipeline",
                "StableDiffusionXLInpaintPipeline",
            ),
            text_encoders=("text_encoder", "text_encoder_2"),
            denoiser="unet",
            noise=Noise.BETAS,
            dtype="float16",
            side=1024,
            multiple_of=8,
            num_inference_steps=30,
            guidance_scale=6.0,
            inpaint=True,
            control=True,
            tokens_side=8,
            seamless=True,
            hidden_size=320,
            step_copies=16,
            upcasts_vae=True,
        ),
        "sd3": FamilyFacts(
            label="Stable Diffusion 3",
            pipelines=(
                "StableDiffusion3Pipeline",
                "StableDiffusion3Img2ImgPipeline",
                "StableDiffusion3InpaintPipeline",
            ),
            text_encoders=("text_encoder", "text_encoder_2", "text_encoder_3"),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            side=1024,
            multiple_of=16,
            num_inference_steps=28,
            guidance_scale=5.0,
            inpaint=True,
            hidden_size=2432,
        ),
        "flux": FamilyFacts(
            label="FLUX.1",
            pipelines=("FluxPipeline", "FluxImg2ImgPipeline", "FluxInpaintPipeline"),
            text_encoders=("text_encoder", "text_encoder_2"),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            side=1024,
            multiple_of=16,
            num_inference_steps=28,
            guidance_scale=3.5,
            inpaint=True,
            step_copies=15,
            guidance_rows=1,
        ),
        "flux-kontext": FamilyFacts(
            label="FLUX.1 Kontext",
            pipelines=("FluxKontextPipeline", "FluxKontextInpaintPipeline"),
            text_encoders=("text_encoder", "text_encoder_2"),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            side=1024,
            multiple_of=16,
            num_inference_steps=28,
            guidance_scale=3.5,
            inpaint=True,
            references=1,
            step_copies=15,
            guidance_rows=1,
        ),
        "flux2-klein": FamilyFacts(
            label="FLUX.2 klein",
            pipelines=("Flux2KleinPipeline", "Flux2KleinInpaintPipeline"),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            side=1024,
            multiple_of=16,
            num_inference_steps=50,
            guidance_scale=4.0,
            inpaint=True,
            references=4,
            hidden_size=4096,
            keeps_shapes=False,
        ),
        "z-image": FamilyFacts(
            label="Z-Image",
            pipelines=("ZImagePipeline", "ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            float16=False,
            side=1024,
            multiple_of=16,
            num_inference_steps=28,
            guidance_scale=4.0,
            inpaint=True,
            control=True,
            hidden_size=3840,
            step_copies=13,
            control_copies=19,
        ),
        "qwen-image": FamilyFacts(
            label="Qwen-Image",
            pipelines=(
                "QwenImagePipeline",
                "QwenImageImg2ImgPipeline",
                "QwenImageInpaintPipeline",
            ),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            float16=False,
            side=1328,
            multiple_of=16,
            num_inference_steps=50,
            guidance_scale=4.0,
            inpaint=True,
            control=True,
            step_copies=13,
            decode_factor=2900,
        ),
        "qwen-image-edit": FamilyFacts(
            label="Qwen-Image-Edit",
            pipelines=("QwenImageEditPlusPipeline",),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            float16=False,
            side=1024,
            multiple_of=16,
            num_inference_steps=50,
            guidance_scale=4.0,
            inpaint=True,
            references=3,  # “1 to 3 input images”, says the card of Qwen-Image-Edit-2509
            reference_tokens=188,  # of 28 × 28 pixels each, in a picture as large as 384 × 384
            edits_only=True,
            step_copies=13,
            decode_factor=2900,
        ),
        "qwen-image-2.1": FamilyFacts(
            label="Qwen-Image 2.1",
            pipelines=("QwenImage21Pipeline",),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            float16=False,
            side=1024,
            multiple_of=32,
            num_inference_steps=40,
            guidance_scale=1.0,
            inpaint=True,
            references=4,
            reference_tokens=1024,  # of 32 × 32 pixels each, in a megapixel
            transparent=True,
            decode_factor=3300,
            hidden_size=4096,
        ),
        "pixart-sigma": FamilyFacts(
            label="PixArt-Σ",
            pipelines=("PixArtSigmaPipeline",),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.BETAS,
            dtype="float16",
            side=1024,
            multiple_of=16,
            num_inference_steps=20,
            guidance_scale=4.5,
            image_to_image=False,
            upcasts_vae=True,
            hidden_size=1152,
        ),
        "sana": FamilyFacts(
            label="Sana",
            pipelines=("SanaPipeline",),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            float16=False,
            side=1024,
            multiple_of=32,
            num_inference_steps=20,
            guidance_scale=4.5,
            image_to_image=False,
            tokens_side=32,
            hidden_size=2240,
        ),
        "lumina2": FamilyFacts(
            label="Lumina-Image 2.0",
            pipelines=("Lumina2Pipeline",),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            float16=False,
            side=1024,
            multiple_of=16,
            num_inference_steps=30,
            guidance_scale=4.0,
            image_to_image=False,
            hidden_size=2304,
        ),
        "chroma": FamilyFacts(
            label="Chroma",
            pipelines=("ChromaPipeline", "ChromaImg2ImgPipeline", "ChromaInpaintPipeline"),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            side=1024,
            multiple_of=16,
            num_inference_steps=35,
            guidance_scale=5.0,
            inpaint=True,
        ),
        "krea2": FamilyFacts(
            label="Krea 2",
            pipelines=("Krea2Pipeline",),
            text_encoders=("text_encoder",),
            denoiser="transformer",
            noise=Noise.FLOW,
            dtype="bfloat16",
            side=1024,
            multiple_of=16,
            num_inference_steps=28,
            guidance_scale=4.5,
            image_to_image=False,
            hidden_size=6144,
            decode_factor=2900,
        ),
    }
)

IP_ADAPTER_FAMILIES = "sd", "sdxl"
"""The families whose cross-attention an IP-Adapter can extend here."""


def family_named_by(pipeline: str) -> str | None:
    """The family of the Diffusers class `pipeline`; `None` when it runs whole."""
    return next((name for name, facts in FAMILIES.items() if pipeline in facts.pipelines), None)
