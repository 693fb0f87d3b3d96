"""The models that people talk about, with their true numbers of parameters."""

from collections.abc import Sequence
from dataclasses import replace

from engine.memory.components import Component, Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import MemoryOptions
from engine.memory.plan_request import PlanRequest
from engine.memory.profiles import ModelProfile
from engine.models.families import FAMILIES

GB = 10**9


def component(
    name: str,
    role: Role,
    class_name: str,
    parameters: float,
    block: float,
    *,
    outside: float = 0,
    linear_share: float | None = None,
    force_upcast: bool = True,
    tile_side: int = 512,
) -> Component:
    """A component; numbers in millions of parameters."""
    return Component(
        name=name,
        role=role,
        class_name=class_name,
        parameters=int(parameters * 1e6),
        stored_bytes=int(parameters * 2e6),
        largest_block=int(block * 1e6),
        outside_blocks=int(outside * 1e6),
        linear_share=linear_share,
        force_upcast=force_upcast,
        tile_side=tile_side,
    )


def text_encoder(
    name: str, class_name: str, parameters: float, block: float, outside: float
) -> Component:
    return component(name, Role.TEXT_ENCODER, class_name, parameters, block, outside=outside)


def vae(tile_side: int, *, class_name: str = "AutoencoderKL") -> Component:
    return component("vae", Role.VAE, class_name, 83.7, 7.1, outside=2, tile_side=tile_side)


def transformer(class_name: str, parameters: float, block: float, outside: float) -> Component:
    return component("transformer", Role.DENOISER, class_name, parameters, block, outside=outside)


CLIP_L = text_encoder("text_encoder", "CLIPTextModel", 123.1, 7.1, 38)
BIG_G = text_encoder("text_encoder_2", "CLIPTextModelWithProjection", 694.7, 19.7, 64)
SAFETY = component("safety_checker", Role.OTHER, "StableDiffusionSafetyChecker", 304, 12.6)


def t5(name: str) -> Component:
    encoder = text_encoder(name, "T5EncoderModel", 4762, 193, 131)
    return replace(encoder, float32_parameters=24 * 4096 * 10240)


MODELS: dict[str, tuple[Component, ...]] = {
    "sd": (
        CLIP_L,
        component(
            "unet",
            Role.DENOISER,
            "UNet2DConditionModel",
            859.5,
            49.2,
            outside=26.9,
            linear_share=0.314,
        ),
        vae(512),
    ),
    "sdxl": (
        CLIP_L,
        BIG_G,
        component(
            "unet",
            Role.DENOISER,
            "UNet2DConditionModel",
            2567.5,
            351,
            outside=31.1,
            linear_share=0.87,
        ),
        vae(1024),
    ),
    "sd3": (
        CLIP_L,
        BIG_G,
        t5("text_encoder_3"),
        transformer("SD3Transformer2DModel", 8057, 213, 40),
        vae(1024),
    ),
    "flux": (
        CLIP_L,
        t5("text_encoder_2"),
        transformer("FluxTransformer2DModel", 11901, 340, 60),
        vae(1024),
    ),
    "z-image": (
        text_encoder("text_encoder", "Qwen3Model", 4022, 101, 389),
        transformer("ZImageTransformer2DModel", 6155, 181, 30),
        vae(1024),
    ),
    "qwen-image": (
        text_encoder("text_encoder", "Qwen2_5_VLForConditionalGeneration", 8292, 233, 1090),
        transformer("QwenImageTransformer2DModel", 20430, 340, 50),
        component("vae", Role.VAE, "AutoencoderKLQwenImage", 127, 14, outside=2, tile_side=256),
    ),
}
"""By family. Blocks and shares of the UNets are counted from Diffusers' own default and SDXL
configurations; those of the transformers follow from their hidden size h, at 36 h² for a block of
two streams and 12 h² for one of one."""


def plan_request(
    model: str,
    vram_gb: float = 24,
    *,
    memory_options: MemoryOptions | None = None,
    side: int | None = None,
    batch: int = 1,
    device: DeviceFacts | None = None,
    components: Sequence[Component] | None = None,
    profile: ModelProfile | None = None,
) -> PlanRequest:
    """A request for a known model on an imagined card."""
    family = FAMILIES[model]
    side = side or min(family.side, 1024)
    return PlanRequest(
        components=components or MODELS[model],
        family=family,
        device=device or DeviceFacts.imagined(int(vram_gb * GB)),
        memory_options=memory_options or MemoryOptions(),
        width=side,
        height=side,
        batch=batch,
        profile=profile or ModelProfile(),
    )
