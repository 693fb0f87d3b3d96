"""A LoRA's family shows in the layers that it changes, whoever trained it."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import diffusers
import pytest
import torch
from accelerate import init_empty_weights

from engine.hub.tensor_headers import Tensor
from engine.models.families import FAMILIES
from engine.models.lora_families import is_alike, lora_family

ENDS = ("to_q", "to_k", "to_v", "to_out.0", "to_qkv_mlp_proj", "proj_mlp", "add_q_proj")

Config = Mapping[str, Any]

SD: Config = {"sample_size": 64}
DENOISERS: Mapping[str, list[tuple[str, Config]]] = {
    "sd": [
        ("UNet2DConditionModel", {"cross_attention_dim": 768}),
        ("UNet2DConditionModel", {"cross_attention_dim": 1024}),
    ],
    "sdxl": [
        (
            "UNet2DConditionModel",
            {
                "cross_attention_dim": 2048,
                "block_out_channels": (320, 640, 1280),
                "down_block_types": (
                    "DownBlock2D",
                    "CrossAttnDownBlock2D",
                    "CrossAttnDownBlock2D",
                ),
                "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                "transformer_layers_per_block": (1, 2, 10),
                "attention_head_dim": (5, 10, 20),
            },
        )
    ],
    "sd3": [
        ("SD3Transformer2DModel", {"num_layers": 2, "num_attention_heads": 24}),
        ("SD3Transformer2DModel", {"num_layers": 2, "num_attention_heads": 38}),
    ],
    "flux": [("FluxTransformer2DModel", {})],
    "flux2-klein": [
        (
            "Flux2Transformer2DModel",
            {"num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24},
        )
    ],
    "z-image": [("ZImageTransformer2DModel", {"n_layers": 2})],
    "qwen-image": [("QwenImageTransformer2DModel", {"num_layers": 60})],
    "sana": [("SanaTransformer2DModel", {"num_layers": 2})],
    "lumina2": [("Lumina2Transformer2DModel", {"num_layers": 2})],
    "krea2": [("Krea2Transformer2DModel", {"num_layers": 2})],
    "qwen-image-2.1": [("QwenImage21Transformer2DModel", {"num_layers": 2})],
}
"""The denoisers of real width, where only the depth doesn't tell with fewer blocks."""


@cache
def layers_of(family: str) -> list[list[tuple[str, int, int]]]:
    """The attention's layers of each denoiser, and what they take and give."""
    found = []
    for class_name, config in DENOISERS[family]:
        with init_empty_weights():
            model = getattr(diffusers, class_name)(**config)
        found.append(
            [
                (name, layer.in_features, layer.out_features)
                for name, layer in model.named_modules()
                if isinstance(layer, torch.nn.Linear) and name.endswith(ENDS)
            ]
        )
    return found


def diffusers_name(layer: str) -> tuple[str, str]:
    return f"transformer.{layer}.lora_A.weight", f"transformer.{layer}.lora_B.weight"


def peft(layer: str) -> tuple[str, str]:
    return (
        f"base_model.model.{layer}.lora_A.default.weight",
        f"base_model.model.{layer}.lora_B.default.weight",
    )


def kohya(layer: str) -> tuple[str, str]:
    flat = "lora_unet_" + layer.replace(".", "_")
    return f"{flat}.lora_down.weight", f"{flat}.lora_up.weight"


def comfy(layer: str) -> tuple[str, str]:
    return f"diffusion_model.{layer}.lora_A.weight", f"diffusion_model.{layer}.lora_B.weight"


@pytest.mark.parametrize(
    "named", [diffusers_name, peft, kohya, comfy], ids=lambda each: each.__name__
)
@pytest.mark.parametrize("family", DENOISERS)
def test_each_family_is_recognized_whoever_named_the_layers(
    family: str, named: Callable[[str], tuple[str, str]]
) -> None:
    for layers in layers_of(family):
        tensors = []
        for name, inputs, outputs in layers:
            down, up = named(name)
            tensors += [Tensor(down, (16, inputs), 0), Tensor(up, (outputs, 16), 0)]
        assert lora_family(tensors) == family


def test_those_of_other_layouts_are_recognized_by_names_alone() -> None:
    def of(*layers: str, width: int = 3072) -> str | None:
        return lora_family([Tensor(f"{each}.lora_down.weight", (8, width), 0) for each in layers])

    assert of("lora_unet_double_blocks_18_img_attn_qkv") == "flux"
    assert of("lora_unet_double_blocks_0_img_mod_lin") == "flux"
    assert of("diffusion_model.joint_blocks.3.x_block.attn.qkv") == "sd3"
    assert of("lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_q", "lora_te2_x") == "sdxl"
    assert of("diffusion_model.layers.29.attention.qkv", width=3840) == "z-image"
    assert of("diffusion_model.layers.9.feed_forward.w1", width=2304) == "lumina2"


def test_what_does_not_tell_is_left_open() -> None:
    """Both FLUX models have such blocks; and these aren't layers of any family."""
    assert (
        lora_family(
            [Tensor("lora_unet_double_blocks_2_img_attn_qkv.lora_down.weight", (8, 3072), 0)]
        )
        is None
    )
    assert (
        lora_family(
            [Tensor("lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight", (4, 320, 3, 3), 0)]
        )
        is None
    )
    assert lora_family([Tensor("x", (1,), 0)]) is None
    assert lora_family([]) is None
    told = {family for family in FAMILIES if any(is_alike(family, other) for other in DENOISERS)}
    assert told == set(FAMILIES) - {"pixart-sigma"}, "it takes no LoRAs"


def test_families_of_the_same_layers_share_their_loras() -> None:
    assert layers_of("flux")[0][0][1:] == (3072, 3072)
    assert is_alike("flux", "chroma")
    assert is_alike("qwen-image-edit", "qwen-image")
    assert not is_alike("flux", "flux2-klein")
