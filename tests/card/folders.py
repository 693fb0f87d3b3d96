"""Full-size models in the Diffusers layout whose weights are holes: they take no room on a disk."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import diffusers
import torch
from torch import nn

from benchmarks.memory_models import ARCHITECTURES
from benchmarks.memory_sizes import SIZES
from benchmarks.tokenizers import qwen3_tokenizer
from tests.card import editors

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
    letters = qwen3_tokenizer(vision=True)
    return diffusers.QwenImagePipeline(
        scheduler=editors.flow_scheduler(),
        vae=diffusers.AutoencoderKLQwenImage(),
        text_encoder=editors.qwen2_5_vl(letters),
        tokenizer=letters,
        transformer=diffusers.QwenImageTransformer2DModel(),
    )


FULL_SIZE: Mapping[str, FullSize] = MappingProxyType(
    {
        name: FullSize(
            make, getattr(torch, SIZES[name].half), SIZES[name].side, SIZES[name].guidance
        )
        for name, make in ARCHITECTURES.items()
    }
    | {
        "qwen-image": FullSize(qwen_image, torch.bfloat16, 1024, 4.0),
        "flux-kontext": FullSize(editors.kontext, torch.bfloat16, 1024, 2.5),
        "flux2-klein": FullSize(editors.klein, torch.bfloat16, 1024, 1.0),
        "qwen-image-edit": FullSize(editors.qwen_image_edit, torch.bfloat16, 1024, 4.0),
        "qwen-image-2.1": FullSize(editors.qwen_image_21, torch.bfloat16, 1024, 1.0),
    }
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


def write_control_network(folder: Path) -> Path:
    """The folder of a full-size control network for Z-Image, as its version 2.1."""
    with torch.device("meta"):
        network = diffusers.ZImageControlNetModel(
            control_layers_places=list(range(0, 30, 2)),
            control_refiner_layers_places=[0, 1],
            control_in_dim=33,
            add_control_noise_refiner="control_noise_refiner",
        )
    _write_module(network, folder, torch.bfloat16)
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
