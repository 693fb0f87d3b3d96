"""Denoisers whose weights stay quantized as in their GGUF file, in RAM and on the device."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import nn

from engine.errors import ModelUnavailable
from speech import join_list, say


def gguf_config(dtype: torch.dtype) -> Any:
    """The `quantization_config` for `from_single_file`; `dtype` is what is computed in.

    Raises:
        ModelUnavailable: The library that reads such files isn't installed.
    """
    if find_spec("gguf") is None:
        raise ModelUnavailable(
            say("Reading .gguf files needs the gguf package. Run pip install 'atelier[gguf]'.")
        )
    return diffusers.GGUFQuantizationConfig(compute_dtype=dtype)


def check_quantization_types(file: Path) -> None:
    """Check that Diffusers supports the quantization types of a GGUF file.

    Raises:
        ModelUnavailable: It doesn't support some of them.
    """
    from diffusers.quantizers.gguf.utils import SUPPORTED_GGUF_QUANT_TYPES
    from gguf import GGMLQuantizationType, GGUFReader

    plain = {GGMLQuantizationType.F32, GGMLQuantizationType.F16}
    types = {tensor.tensor_type for tensor in GGUFReader(file).tensors}
    if unknown := sorted(each.name for each in types - plain - set(SUPPORTED_GGUF_QUANT_TYPES)):
        raise ModelUnavailable(
            say(
                "{file} has weights quantized as {kinds}, which Diffusers can't read. Use a "
                "file of the same model in Q8_0, Q6_K, Q5_K, Q4_K or similar.",
                file=file.name,
                kinds=join_list(unknown),
            )
        )


def dequantize_others(module: nn.Module, dtype: torch.dtype) -> None:
    """Dequantize the weights that no layer can use quantized.

    Diffusers has a linear layer for quantized weights. In some files other weights are quantized,
    too, or bfloat16, which counts as quantized: pad tokens, biases, norms.
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
