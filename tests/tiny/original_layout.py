"""Single-file checkpoints of the A1111/ComfyUI kind, from the folder of a Diffusers pipeline.

The names are those that the original code of Stable Diffusion (CompVis, Stability AI) and OpenCLIP
gave their modules; only what a tiny pipeline has is known here.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors.torch import save_file

Weights = dict[str, torch.Tensor]

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm": "ln_final",
    "encoder.layers": "transformer.resblocks",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def checkpoint(folder: Path, file: Path) -> Path:
    """Save the weights of a pipeline in `folder` as the one `file` that its makers would.

    A text encoder with the activation `gelu` is of OpenCLIP, as in Stable Diffusion 2.x.
    """
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(folder)
    weights = {
        **_prefixed("model.diffusion_model.", unet(pipe.unet)),
        **_prefixed("first_stage_model.", vae(pipe.vae)),
    }
    if hasattr(pipe, "text_encoder_2"):
        weights |= _prefixed("conditioner.embedders.0.transformer.", clip(pipe.text_encoder))
        weights |= _prefixed("conditioner.embedders.1.model.", open_clip(pipe.text_encoder_2))
    elif pipe.text_encoder.config.hidden_act == "gelu":
        weights |= _prefixed("cond_stage_model.model.", open_clip(pipe.text_encoder))
    else:
        weights |= _prefixed("cond_stage_model.transformer.", clip(pipe.text_encoder))
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)
    return file


def unet(module: torch.nn.Module) -> Weights:
    """Its weights under the names of a `UNetModel`."""
    state = module.state_dict()
    stage = int(str(module.config.layers_per_block)) + 1  # type: ignore[union-attr]

    def renamed(name: str) -> str:
        for new, old in UNET_ENDS.items():
            if name.startswith(new + "."):
                return old + name.removeprefix(new)
        if found := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
            kind, i, rest = found.groups()
            place = 1 if kind == "attentions" else 2 * int(i)
            return f"middle_block.{place}.{_resnet(rest)}"
        found = re.fullmatch(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.+)", name)
        assert found is not None, name
        side, block, kind, i, rest = found.groups()
        first = int(block) * stage
        if kind == "downsamplers":
            return f"input_blocks.{first + stage}.0.op.{rest.removeprefix('conv.')}"
        if kind == "upsamplers":
            follows = any(one.startswith(f"up_blocks.{block}.attentions") for one in state)
            return f"output_blocks.{first + stage - 1}.{2 if follows else 1}.{rest}"
        place = first + int(i) + (1 if side == "down" else 0)
        half = {"down": "input", "up": "output"}[side]
        return f"{half}_blocks.{place}.{0 if kind == 'resnets' else 1}.{_resnet(rest)}"

    return _renamed(state, renamed)


def vae(module: torch.nn.Module) -> Weights:
    """Its weights under the names of the first `AutoencoderKL`, whose attention convolves."""
    state = module.state_dict()
    last = max(int(name.split(".")[2]) for name in state if name.startswith("decoder.up_blocks."))

    def renamed(name: str) -> str:
        name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
        name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
        name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
        name = re.sub(r"up_blocks\.(\d)", lambda m: f"up.{last - int(m[1])}", name)
        name = name.replace(".resnets.", ".block.").replace("upsamplers.0", "upsample")
        if "mid_block.attentions.0." in name:
            name = _replaced(name.replace("mid_block.attentions.0", "mid.attn_1"), VAE_ATTENTION)
        return name

    return {
        name: tensor[:, :, None, None] if ".attn_1." in name and tensor.ndim == 2 else tensor
        for name, tensor in _renamed(state, renamed).items()
    }


def clip(module: torch.nn.Module) -> Weights:
    """Its weights under the names that Transformers gave them when the checkpoints were made."""
    return {"text_model." + _bare(name): tensor for name, tensor in module.state_dict().items()}


def open_clip(module: torch.nn.Module) -> Weights:
    """Its weights under the names of OpenCLIP, which has three projections in one matrix."""
    state = {_bare(name): tensor for name, tensor in module.state_dict().items()}
    weights = _renamed(
        {name: tensor for name, tensor in state.items() if not _is_input_projection(name)},
        lambda name: _replaced(name, OPEN_CLIP),
    )
    for name in state:
        if ".self_attn.q_proj." in name:
            parts = [state[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            layer, _, kind = name.partition(".self_attn.q_proj.")
            weights[f"{_replaced(layer, OPEN_CLIP)}.attn.in_proj_{kind}"] = torch.cat(parts)
    if "text_projection.weight" in weights:
        weights["text_projection"] = weights.pop("text_projection.weight").T
    return weights


def _is_input_projection(name: str) -> bool:
    return re.search(r"\.self_attn\.[qkv]_proj\.", name) is not None


def _bare(name: str) -> str:
    return name.removeprefix("text_model.")


def _resnet(rest: str) -> str:
    head, dot, tail = rest.partition(".")
    return RESNET.get(head, head) + dot + tail


def _replaced(name: str, names: dict[str, str]) -> str:
    for new, old in names.items():
        name = name.replace(new, old)
    return name


def _renamed(state: Weights, rename: Callable[[str], str]) -> Weights:
    return {rename(name): tensor for name, tensor in state.items()}


def _prefixed(prefix: str, weights: Weights) -> Weights:
    return {prefix + name: tensor for name, tensor in weights.items()}
