"""How Diffusers and Transformers are told to quantize what the plan quantizes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import diffusers
import torch
import transformers
from accelerate import init_empty_weights
from diffusers.hooks import apply_layerwise_casting
from diffusers.models.model_loading_utils import load_model_dict_into_meta
from diffusers.quantizers import DiffusersAutoQuantizer, PipelineQuantizationConfig

from engine.memory.plan import Plan, Quantization

STORAGE = torch.float8_e4m3fn
"""What layerwise casting keeps weights as: four bits of exponent, as inference wants it."""

KEPT = ("norm", "embed", "shared", "lm_head", r"\.wo$")
"""Patterns of names whose layers stay in half precision in a text encoder: those that suffer most,
and the one whose precision T5 asks for before it is called. Diffusers' models know their own."""


def _bitsandbytes(library: Any, **options: Any) -> Any:
    return library.BitsAndBytesConfig(**options)


def _torchao(library: Any, config: str) -> Any:
    from torchao import quantization  # type: ignore[import-not-found,unused-ignore]

    return library.TorchAoConfig(getattr(quantization, config)())


MAKERS: Mapping[Quantization, Callable[[Any, torch.dtype], Any]] = MappingProxyType(
    {
        Quantization.BNB8: lambda library, dtype: _bitsandbytes(library, load_in_8bit=True),
        Quantization.NF4: lambda library, dtype: _bitsandbytes(
            library,
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=dtype,
        ),
        Quantization.INT8: lambda library, dtype: _torchao(library, "Int8WeightOnlyConfig"),
        Quantization.FLOAT8: lambda library, dtype: _torchao(library, "Float8WeightOnlyConfig"),
    }
)
"""The configuration for a component of `library` (diffusers or transformers)."""


def quantization_config(plan: Plan, libraries: Mapping[str, str]) -> Any:
    """What `from_pretrained` takes as `quantization_config`; `None` for nothing to quantize.

    Args:
        plan: Says which components, and how.
        libraries: Of each component, the library that its class is from.
    """
    dtype = getattr(torch, plan.dtype)
    mapping = {}
    for name, place in plan.places.items():
        make = MAKERS.get(place.quantization) if place.quantization else None
        if make is not None:
            library = diffusers if libraries.get(name) == "diffusers" else transformers
            mapping[name] = make(library, dtype)
    return PipelineQuantizationConfig(quant_mapping=mapping) if mapping else None


def cast_layerwise(pipe: Any, plan: Plan) -> None:
    """Store in float8 what the plan wants stored so; each layer computes in the plan's dtype."""
    dtype = getattr(torch, plan.dtype)
    for name, place in plan.places.items():
        if place.quantization is not Quantization.LAYERWISE:
            continue
        module = getattr(pipe, name)
        if hasattr(module, "enable_layerwise_casting"):
            module.enable_layerwise_casting(storage_dtype=STORAGE, compute_dtype=dtype)
        else:
            apply_layerwise_casting(module, STORAGE, dtype, skip_modules_pattern=KEPT)


def quantized(model: Any, way: Any, dtype: torch.dtype) -> Any:
    """A model of Diffusers with the weights of `model`, quantized.

    `from_pretrained` does this with the weights that it reads; `from_single_file` takes those of
    its file for quantized already.

    Args:
        model: Whose weights are in RAM, in full.
        way: One configuration out of `quantization_config`.
        dtype: What is computed in.
    """
    quantizer = DiffusersAutoQuantizer.from_config(way, pre_quantized=False)
    quantizer.validate_environment(torch_dtype=dtype)
    place = quantizer.update_device_map(None) or {"": torch.device("cpu")}
    with init_empty_weights():
        empty = type(model).from_config(model.config)
    quantizer.preprocess_model(empty, device_map=place)
    load_model_dict_into_meta(
        empty,
        model.state_dict(),
        dtype=quantizer.update_torch_dtype(dtype),
        hf_quantizer=quantizer,
        device_map=place,
        unexpected_keys=[],
    )
    quantizer.postprocess_model(empty)
    empty.hf_quantizer = quantizer
    return empty.eval()
