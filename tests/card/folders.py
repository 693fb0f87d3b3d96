"""Full-size models in the Diffusers layout whose weights are holes: they take no room on a disk."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import diffusers
import torch
import transformers
from torch import nn

from benchmarks.memory_models import ARCHITECTURES
from benchmarks.memory_parts import on_cpu
from benchmarks.memory_sizes import SIZES
from benchmarks.tokenizers import qwen3_tokenizer

DTYPES = {torch.float16: "F16", torch.bfloat16: "BF16"}
"""As the safetensors format names them."""
METADATA = "__metadata__"
SHARD_BYTES = 10 * 10**9
"""What a file holds at most: Linux refuses to map more at once than there is RAM."""


@dataclass(frozen=True, slots=True)
class FullSize:
    """A model as it is published: how its pipeline is made, its dtype, side and guidance."""

    make: Callable[[Path], Any]
    dtype: torch.dtype
    side: int
    guidance: float


def qwen_image(_: Path) -> Any:
    """Qwen-Image with Qwen2.5-VL-7B; the tokenizer is of a kin, and knows letters only."""
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "vocab_size": 152064,
            "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
            "rope_parameters": rope,
            "max_position_embeddings": 128000,
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
        },
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
    )
    return diffusers.QwenImagePipeline(
        scheduler=on_cpu(
            lambda: diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
        ),
        vae=diffusers.AutoencoderKLQwenImage(),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=qwen3_tokenizer(),
        transformer=diffusers.QwenImageTransformer2DModel(),
    )


FULL_SIZE: Mapping[str, FullSize] = MappingProxyType(
    {
        name: FullSize(
            make, getattr(torch, SIZES[name].half), SIZES[name].side, SIZES[name].guidance
        )
        for name, make in ARCHITECTURES.items()
    }
    | {"qwen-image": FullSize(qwen_image, torch.bfloat16, 1024, 4.0)}
)


def write_holes(name: str, folder: Path) -> Path:
    """The folder of a full-size model, made if it isn't there."""
    if not (folder / "model_index.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with torch.device("meta"):
            pipe = FULL_SIZE[name].make(folder)
        for part_name, part in pipe.components.items():
            if isinstance(part, nn.Module):
                _write_module(part, folder / part_name, FULL_SIZE[name].dtype)
            elif part is not None:
                part.save_pretrained(folder / part_name)
        pipe.save_config(folder)
    return folder


def _write_module(module: Any, folder: Path, dtype: torch.dtype) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(module, "save_config"):
        stem = "diffusion_pytorch_model"
        module.save_config(folder)
    else:
        stem = "model"
        module.config.architectures = [type(module).__name__]
        module.config.dtype = dtype
        module.config.save_pretrained(folder)
    shards = _shards(module, dtype)
    weight_map: dict[str, str] = {}
    for number, (header, nbytes) in enumerate(shards, start=1):
        part = f"-{number:05}-of-{len(shards):05}" if len(shards) > 1 else ""
        weight_map |= dict.fromkeys(header.keys() - {METADATA}, f"{stem}{part}.safetensors")
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with (folder / f"{stem}{part}.safetensors").open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + nbytes)
    if len(shards) > 1:
        index = {"metadata": {"total_size": sum(n for _, n in shards)}, "weight_map": weight_map}
        (folder / f"{stem}.safetensors.index.json").write_text(json.dumps(index))


def _shards(module: Any, dtype: torch.dtype) -> list[tuple[dict[str, Any], int]]:
    """The headers of the files that the weights are in, and the bytes of the weights in each."""
    shards: list[tuple[dict[str, Any], int]] = []
    for name, weight in module.named_parameters():
        nbytes = weight.numel() * dtype.itemsize
        if not shards or shards[-1][1] + nbytes > SHARD_BYTES:
            shards.append(({METADATA: {"format": "pt"}}, 0))
        header, begin = shards[-1]
        header[name] = {
            "dtype": DTYPES[dtype],
            "shape": list(weight.shape),
            "data_offsets": [begin, begin + nbytes],
        }
        shards[-1] = header, begin + nbytes
    return shards
