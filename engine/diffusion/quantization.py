"""Has Diffusers and Transformers quantize what the plan quantizes."""

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
from torch import nn

from engine.memory.plan import Plan, Quantization

STORAGE_DTYPE = torch.float8_e4m3fn
"""The type in which layerwise casting stores weights; four bits of exponent suit inference."""

NOT_CAST = ("norm", "embed", "shared", "lm_head", r"\.wo$")
"""Patterns of a text encoder's layers that stay in half precision: those that suffer most, and the
one whose precision T5 checks before it is called. Diffusers' models bring their own patterns."""


def _bitsandbytes(library: Any, **options: Any) -> Any:
    return library.BitsAndBytesConfig(**options)


def _torchao(library: Any, config: str, **options: Any) -> Any:
    from torchao import quantization  # type: ignore[import-not-found,unused-ignore]

    return library.TorchAoConfig(getattr(quantization, config)(**options))


def _float8_matmul(library: Any, dtype: torch.dtype) -> Any:
    """With a scale for each token: one for a whole tensor would let rows change each other."""
    from torchao.quantization import PerRow  # type: ignore[import-not-found,unused-ignore]

    return _torchao(library, "Float8DynamicActivationFloat8WeightConfig", granularity=PerRow())


CONFIG_FACTORIES: Mapping[Quantization, Callable[[Any, torch.dtype], Any]] = MappingProxyType(
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
        Quantization.FLOAT8_MATMUL: _float8_matmul,
        Quantization.INT8_MATMUL: lambda library, dtype: _torchao(
            library, "Int8DynamicActivationInt8WeightConfig", set_inductor_config=False
        ),
    }
)
"""From `diffusers` or `transformers` and a dtype to the config for a component of that library."""


def quantization_configs(plan: Plan, libraries: Mapping[str, str]) -> dict[str, Any]:
    """The config of each component that is quantized while it is loaded.

    Args:
        plan: Says which components, and how.
        libraries: The library of each component's class.
    """
    dtype = getattr(torch, plan.dtype)
    configs = {}
    for name, place in plan.places.items():
        make = CONFIG_FACTORIES.get(place.quantization) if place.quantization else None
        if make is not None:
            library = diffusers if libraries.get(name) == "diffusers" else transformers
            configs[name] = make(library, dtype)
    return configs


def pipeline_config(configs: Mapping[str, Any]) -> Any:
    """The `quantization_config` for a pipeline's `from_pretrained`; `None` for nothing."""
    return PipelineQuantizationConfig(quant_mapping=dict(configs)) if configs else None


def to_ram(module: nn.Module) -> nn.Module:
    """`module`, quantized on the device, in RAM, so that the next one has room there."""
    with torch.inference_mode(False), torch.no_grad():
        return module.to("cpu")


def cast_layerwise(pipe: Any, plan: Plan) -> None:
    """Store in float8 what the plan says; each layer computes in the plan's dtype."""
    dtype = getattr(torch, plan.dtype)
    for name, place in plan.places.items():
        if place.quantization is not Quantization.LAYERWISE:
            continue
        module = getattr(pipe, name)
        if hasattr(module, "enable_layerwise_casting"):
            module.enable_layerwise_casting(storage_dtype=STORAGE_DTYPE, compute_dtype=dtype)
        else:
            apply_layerwise_casting(module, STORAGE_DTYPE, dtype, skip_modules_pattern=NOT_CAST)


def quantized(model: Any, method: Any, dtype: torch.dtype) -> Any:
    """A Diffusers model with the weights of `model`, quantized.

    `from_pretrained` quantizes the weights that it reads; `from_single_file` assumes that those in
    its file are quantized already.

    Args:
        model: Its weights are in RAM, unquantized.
        method: One config out of `quantization_config`.
        dtype: What it computes in.
    """
    quantizer = DiffusersAutoQuantizer.from_config(method, pre_quantized=False)
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
