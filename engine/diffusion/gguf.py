"""Denoisers whose weights stay as quantized in RAM and on the device as they are in a GGUF file."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import nn

from engine.errors import ModelUnavailable
from speech import listed, say


def gguf_config(dtype: torch.dtype) -> Any:
    """What `from_single_file` takes as `quantization_config`; `dtype` is what is computed in.

    Raises:
        ModelUnavailable: What reads such files is not installed.
    """
    if find_spec("gguf") is None:
        raise ModelUnavailable(
            say("Reading .gguf files needs the gguf package. Run pip install gguf.")
        )
    return diffusers.GGUFQuantizationConfig(compute_dtype=dtype)


def check_kinds(file: Path) -> None:
    """See to it that Diffusers can compute with the quantizations of a GGUF file.

    Raises:
        ModelUnavailable: It cannot with some of them.
    """
    from diffusers.quantizers.gguf.utils import SUPPORTED_GGUF_QUANT_TYPES
    from gguf import GGMLQuantizationType, GGUFReader

    plain = {GGMLQuantizationType.F32, GGMLQuantizationType.F16}
    kinds = {tensor.tensor_type for tensor in GGUFReader(file).tensors}
    if unknown := sorted(kind.name for kind in kinds - plain - set(SUPPORTED_GGUF_QUANT_TYPES)):
        raise ModelUnavailable(
            say(
                "{file} has weights quantized as {kinds}, which Diffusers can't read. Use a "
                "file of the same model in Q8_0, Q6_K, Q5_K, Q4_K or similar.",
                file=file.name,
                kinds=listed(unknown),
            )
        )


def dequantize_strays(module: nn.Module, dtype: torch.dtype) -> None:
    """Make ordinary weights of those that nothing computes with while they are quantized.

    Diffusers has a linear layer that knows quantized weights. Some files have other weights
    quantized, too, or as bfloat16, which counts as quantized: pad tokens, biases, norms.
    """
    from diffusers.quantizers.gguf.utils import (  # which imports gguf
        GGUFLinear,
        GGUFParameter,
        dequantize_gguf_tensor,
    )

    for layer in module.modules():
        for name, weight in list(layer.named_parameters(recurse=False)):
            if not isinstance(weight, GGUFParameter):
                continue
            if isinstance(layer, GGUFLinear) and name == "weight":
                continue
            plain = dequantize_gguf_tensor(weight).to(dtype)
            setattr(layer, name, nn.Parameter(plain, requires_grad=False))
