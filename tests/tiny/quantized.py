"""Denoisers as GGUF files, made by the reference implementation of the format."""

from pathlib import Path

import torch
from gguf import GGMLQuantizationType, GGUFWriter, quants

BLOCK = 32
"""Numbers in a block of the legacy quantizations: a row must be a multiple of it."""


def gguf(file: Path, weights: dict[str, torch.Tensor], kind: GGMLQuantizationType) -> Path:
    """Save `weights` as converters do: matrices quantized, vectors in single precision."""
    writer = GGUFWriter(file, "diffusion")
    for name, tensor in weights.items():
        values = tensor.detach().float().numpy()
        if values.ndim == 2 and values.shape[1] % BLOCK == 0:
            writer.add_tensor(name, quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
