"""Random weights for a pipeline of any size, written to disk without ever being in RAM at once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from safetensors.torch import save_file
from torch import nn

SHARD_BYTES = 2 * 10**9

NOISE = 2**22 + 15
"""Numbers that are drawn; all weights repeat them. Odd, so that no two rows of a matrix agree."""


def write_pipeline(
    pipe: Any, folder: Path, dtype: torch.dtype, *, shard_bytes: int = SHARD_BYTES
) -> Path:
    """Save `pipe` in the Diffusers layout, with random weights in place of its own.

    Args:
        pipe: A pipeline whose modules may be on the meta device; only their shapes are asked.
        folder: Where to; it is made. The index comes last: with it, the folder is whole.
        dtype: Of the weights.
        shard_bytes: About so much is in RAM, and in one file.
    """
    noise = torch.randn(NOISE, generator=torch.Generator().manual_seed(0)).to(dtype)
    for name, part in pipe.components.items():
        if isinstance(part, nn.Module):
            _write_module(part, folder / name, noise, shard_bytes)
        elif part is not None:
            part.save_pretrained(folder / name)
    pipe.save_config(folder)
    return folder


def _write_module(module: Any, folder: Path, noise: torch.Tensor, shard_bytes: int) -> None:
    """Its config, its shards, and where each tensor is, as the library of `module` names them."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = hasattr(module, "save_config")
    if ours:
        module.save_config(folder)
    else:
        module.config.architectures = [type(module).__name__]
        module.config.dtype = noise.dtype
        module.config.save_pretrained(folder)
    stem = "diffusion_pytorch_model" if ours else "model"
    shards = list(_shards(module, noise.element_size(), shard_bytes))
    where: dict[str, str] = {}
    for number, shapes in enumerate(shards, start=1):
        part = f"-{number:05}-of-{len(shards):05}" if len(shards) > 1 else ""
        file = f"{stem}{part}.safetensors"
        tensors = {name: _weights(name, shape, noise) for name, shape in shapes.items()}
        save_file(tensors, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(shapes, file)
    if len(shards) > 1:
        index = {"metadata": {"total_size": _nbytes(module, noise)}, "weight_map": where}
        (folder / f"{stem}.safetensors.index.json").write_text(json.dumps(index))


def _shards(module: nn.Module, itemsize: int, limit: int) -> Iterator[dict[str, torch.Size]]:
    """The shapes of all parameters by name, tied ones once, in groups of about `limit` bytes."""
    shard: dict[str, torch.Size] = {}
    taken = 0
    for name, parameter in module.named_parameters():
        size = parameter.numel() * itemsize
        if shard and taken + size > limit:
            yield shard
            shard, taken = {}, 0
        shard[name] = parameter.shape
        taken += size
    yield shard


def _nbytes(module: nn.Module, noise: torch.Tensor) -> int:
    return sum(p.numel() for p in module.parameters()) * noise.element_size()


def _weights(name: str, shape: torch.Size, noise: torch.Tensor) -> torch.Tensor:
    """Weights that keep the variance of what they are given: norms do nothing, biases are zero."""
    if len(shape) < 2:
        plain = torch.ones if name.endswith("weight") else torch.zeros
        return plain(shape, dtype=noise.dtype)
    count = shape.numel()
    fan_in = count // shape[0]
    start = crc32(name.encode()) % len(noise)
    weights = torch.empty(count, dtype=noise.dtype)
    rest = weights
    while len(rest):
        piece = noise[start : start + len(rest)]
        torch.mul(piece, float(fan_in) ** -0.5, out=rest[: len(piece)])
        rest, start = rest[len(piece) :], 0
    return weights.reshape(shape)
