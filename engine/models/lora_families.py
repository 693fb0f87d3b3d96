"""Which family a LoRA is for, by the names and shapes of its tensors.

Trainers name layers in several ways (kohya, Diffusers, PEFT, ComfyUI), but the layers' own names
and widths stay. What doesn't tell clearly is left open: the file is then tried when it is loaded.

Widths are those of the released models: attention to a text of 768 (Stable Diffusion 1.x), 1024
(2.x) or 2048 numbers (XL); hidden sizes of 1536 and 2432 (SD 3.x), 2240 (Sana 1.6B), 2304 (Lumina
2), 3840 (Z-Image), 4096 (Qwen-Image 2.1), 6144 (Krea 2); FLUX.1 and Qwen-Image have 3072, and 19
and 60 blocks with two streams.
"""

import re
from collections.abc import Callable, Iterable

from engine.hub.tensor_headers import Tensor

DOWN = re.compile(r"(?P<layer>.+?)[._](?:lora_down|lora_A|lora\.down|down)(?:\.default)?\.weight")
"""The first factor of a layer; its second dimension is what the layer takes."""

PREFIX = re.compile(
    r"^(?:base_model\.model\.|lora_unet_|lora_transformer_|lycoris_|diffusion_model\.|model\.diffusion_model\.)+"
    r"|^(?:unet|transformer)\."
)

TEXT_WIDTHS = {768: "sd", 1024: "sd", 2048: "sdxl"}
SD3_WIDTHS = (1536, 2432)
JOINT_WIDTHS = {4096: "qwen-image-2.1", 6144: "krea2"}
"""Of blocks whose names tell no more."""

ALIKE = (
    frozenset({"flux", "flux-kontext", "chroma"}),
    frozenset({"qwen-image", "qwen-image-edit"}),
)
"""Families whose layers have the same names and widths, so that a LoRA of one fits the others."""

KLEIN_WIDTHS = (3072, 4096)
FLUX1_DOUBLE, KLEIN_DOUBLE = 19, 8
"""Blocks with two streams of FLUX.1, and at most of FLUX.2 klein."""


class _Layers:
    """The layers that a LoRA changes, by names with underscores; and what each takes."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self.names: set[str] = set()
        self.inputs: dict[str, int] = {}
        for tensor in tensors:
            name = PREFIX.sub("", tensor.name).replace(".", "_")
            self.names.add(name)
            if (match := DOWN.fullmatch(tensor.name)) and len(tensor.shape) >= 2:
                layer = PREFIX.sub("", match["layer"]).replace(".", "_")
                self.inputs[layer] = tensor.shape[1]

    def has(self, pattern: str) -> bool:
        return any(re.search(pattern, name) for name in self.names)

    def input_of(self, pattern: str) -> int | None:
        """What the first layer takes whose name fits."""
        found = (size for name, size in self.inputs.items() if re.search(pattern, name))
        return next(found, None)

    def blocks(self, name: str) -> int:
        """One more than the highest number of a block of that name."""
        found = (re.search(rf"(?:^|_){name}_(\d+)_", each) for each in self.names)
        return max((int(match[1]) + 1 for match in found if match), default=0)


def is_alike(one: str, other: str) -> bool:
    """Whether LoRAs of one family fit the other."""
    return one == other or any({one, other} <= families for families in ALIKE)


def lora_family(tensors: Iterable[Tensor]) -> str | None:
    """The family in `engine.models.families.FAMILIES` that the LoRA is for; `None` if unclear."""
    layers = _Layers(tensors)
    return next((family for tell in READERS if (family := tell(layers))), None)


def _unet(layers: _Layers) -> str | None:
    """By what the cross-attention takes, else by the depth of its blocks and its text encoders."""
    if not layers.has(
        r"^(down|up)_blocks_\d+_(attentions|resnets)|^(mid|middle)_block_|^(in|out)put_blocks_\d"
    ):
        return None
    if family := TEXT_WIDTHS.get(layers.input_of(r"attn2_(processor_)?to_[kv]") or 0):
        return family
    if layers.has(r"^lora_te2_|^text_encoder_2_|transformer_blocks_[2-9]_"):
        return "sdxl"
    return None


def _flux(layers: _Layers) -> str | None:
    """FLUX.1 and FLUX.2, by layers that only one has, else by the number of blocks."""
    if layers.has(r"to_qkv_mlp_proj|(^|_)ff(_context)?_linear_(in|out)|_stream_modulation_"):
        width = layers.input_of(r"(single_)?transformer_blocks_\d+_attn_to_(q|qkv_mlp_proj)$")
        return "flux2-klein" if width in (None, *KLEIN_WIDTHS) else None
    if layers.has(r"single_transformer_blocks_\d+_(proj_mlp|norm_linear|proj_out)"):
        return "flux"
    if layers.has(r"double_blocks_\d+_(img|txt)_mod_lin|single_blocks_\d+_modulation_lin"):
        return "flux"
    if layers.blocks("double_blocks") > KLEIN_DOUBLE or layers.blocks("single_blocks") > 24:
        return "flux"
    single = layers.blocks("single_transformer_blocks")
    if single > 24 or (single and layers.blocks("transformer_blocks") > KLEIN_DOUBLE):
        return "flux"
    return None


def _joint(layers: _Layers) -> str | None:
    """Stable Diffusion 3, Qwen-Image and Krea 2: one kind of block throughout."""
    if layers.has(r"(^|_)joint_blocks_\d+_"):
        return "sd3"
    if layers.has(r"single_transformer_blocks|double_blocks"):
        return None
    width = layers.input_of(r"(^|_)transformer_blocks_\d+_attn_(to|add)_[qkv]")
    if width in SD3_WIDTHS:
        return "sd3"
    if width in JOINT_WIDTHS:
        return JOINT_WIDTHS[width]
    if layers.has(r"(^|_)transformer_blocks_\d+_(img|txt)_(mlp|mod)_"):
        return "qwen-image"
    if width == 3072 and layers.blocks("transformer_blocks") > FLUX1_DOUBLE:
        return "qwen-image"
    return None


def _single_stream(layers: _Layers) -> str | None:
    """Z-Image and Lumina 2, which are built alike; Sana by its width."""
    width = layers.input_of(
        r"(^|_)(layers|noise_refiner|context_refiner)_\d+_(attention|attn|feed_forward)_"
    )
    match width:
        case 3840:
            return "z-image"
        case 2304:
            return "lumina2"
    if layers.input_of(r"(^|_)transformer_blocks_\d+_attn[12]_to_q") == 2240:
        return "sana"
    return None


READERS: tuple[Callable[[_Layers], str | None], ...] = (_unet, _flux, _joint, _single_stream)
