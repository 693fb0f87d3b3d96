"""Factors from a file as a PEFT adapter of a component."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
from safetensors import safe_open

from engine.diffusion.lora.factors import Factors, LoraFile, of_rows
from engine.diffusion.lora.names import LayerNames

log = logging.getLogger(__name__)

BUNDLED = "bundle_emb."
"""How names of embeddings begin that OneTrainer and A1111 keep in the file of a LoRA."""

METADATA = "lora_adapter_metadata"
"""Where Diffusers keeps PEFT's configuration in the header of a file."""


def tensors_of(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, with those of 8 bits as bfloat16, which has all their values."""
    with safe_open(file, framework="pt") as opened:
        written = opened.keys()
        names = [name for name in written if not name.startswith(BUNDLED)]
        tensors = {name: opened.get_tensor(name) for name in names}
        if len(names) < len(written):
            log.warning("%s has embeddings inside, which are left out", file.name)
    return {
        name: tensor.to(torch.bfloat16) if tensor.dtype.itemsize == 1 else tensor
        for name, tensor in tensors.items()
    }


def configured_scales(file: Path, read: LoraFile, names: LayerNames) -> LoraFile:
    """The same, with the scales that PEFT's configuration in the file's header gives.

    Diffusers writes it for adapters whose alpha isn't their rank.
    """
    with safe_open(file, framework="pt") as opened:
        written = (opened.metadata() or {}).get(METADATA)
    if not written:
        return read
    config = json.loads(written)

    def scaled(name: str, factors: Factors) -> Factors:
        component, layer = names.find(name) or ("", "")
        rank = len(factors.down)
        alpha = config.get(f"{component}.lora_alpha", rank)
        for pattern, own in config.get(f"{component}.alpha_pattern", {}).items():
            if re.match(rf"(.*\.)?({pattern})$", layer):
                alpha = own
                break
        root = config.get(f"{component}.use_rslora", False)
        return replace(factors, up=factors.up.float() * (alpha / (sqrt(rank) if root else rank)))

    return replace(read, factors={name: scaled(name, own) for name, own in read.factors.items()})


def placed(read: LoraFile, names: LayerNames) -> dict[str, dict[str, str]]:
    """Names in a file by layer, for each component.

    A denoiser has all of its names here or none, as Diffusers tells layouts apart by all of them.
    """
    found = {name: names.find(name) for name in read.factors}
    whole = not read.other and None not in found.values()
    by_component: dict[str, dict[str, str]] = {}
    for name, place in found.items():
        if place is not None and (whole or place[0] != names.denoiser):
            by_component.setdefault(place[0], {})[place[1]] = name
    return by_component


def require_shape(factors: Factors, shape: tuple[int, ...] | None) -> None:
    """Raises `ValueError` if they don't fit a layer whose weight has that shape."""
    own = (len(factors.up), *factors.down.shape[1:])
    if shape is not None and own != shape:
        raise ValueError(f"shape {own} for a layer of {shape}")


def inject(component: Any, layers: Mapping[str, Factors], key: str, *, magnitudes: bool) -> None:
    """Make a PEFT adapter of factors, by layer; with a rank for magnitudes if the file has some."""
    state = {}
    for name, factors in layers.items():
        both = factors.with_magnitude() if magnitudes else factors
        state[f"{name}.lora_A.weight"] = both.down.contiguous()
        state[f"{name}.lora_B.weight"] = both.up.contiguous()
    ranks = {f"^{re.escape(name)}": len(state[f"{name}.lora_A.weight"]) for name in layers}
    config = LoraConfig(
        r=1,
        lora_alpha=1,
        target_modules=list(layers),
        rank_pattern=ranks,
        alpha_pattern=dict(ranks),
    )
    inject_adapter_in_model(
        config, component, adapter_name=key, low_cpu_mem_usage=True, state_dict=state
    )
    set_peft_model_state_dict(component, state, adapter_name=key, low_cpu_mem_usage=True)


def written(
    pipe: Any, read: LoraFile, layers: Mapping[str, Factors], denoiser: str
) -> dict[str, torch.Tensor]:
    """The tensors of a plain LoRA file with these factors, in names that Diffusers knows.

    Diffusers reads some names of layers only with the names of factors that one program writes, so
    both are tried.

    Raises:
        ValueError: DoRA's magnitudes are those of columns, which layers in one can't share.
    """
    for factors in layers.values():
        if factors.magnitude is not None and not of_rows(factors.magnitude, len(factors.up)):
            raise ValueError("magnitudes of columns")
    as_named = _as_file(read, layers, ("lora_A", "lora_B"))
    kohya = {name if "." not in name else _COMFY + _bare(name): own for name, own in layers.items()}
    tries = [as_named, _as_file(read, kohya, ("lora_down", "lora_up"))]
    return next((each for each in tries if _is_known(pipe, each, denoiser)), as_named)


_COMFY = "diffusion_model."


def _bare(name: str) -> str:
    return name.removeprefix("base_model.model.").removeprefix(_COMFY)


def _as_file(
    read: LoraFile, layers: Mapping[str, Factors], dotted: tuple[str, str]
) -> dict[str, torch.Tensor]:
    tensors = dict(read.other)
    for name, factors in layers.items():
        both = factors.with_magnitude() if read.has_magnitudes else factors
        down, up = dotted if "." in name else ("lora_down", "lora_up")
        tensors[f"{name}.{down}.weight"] = both.down
        tensors[f"{name}.{up}.weight"] = both.up
    return tensors


def _is_known(pipe: Any, tensors: Mapping[str, torch.Tensor], denoiser: str) -> bool:
    """Whether Diffusers finds layers of the denoiser among them."""
    try:
        state = pipe.lora_state_dict(dict(tensors))
    except Exception:  # names that it doesn't know may raise anything
        return False
    state = state[0] if isinstance(state, tuple) else state
    return any(name.startswith(f"{denoiser}.") for name in state)


def missing(read: LoraFile, layers: Iterable[Any], key: str) -> list[str]:
    """Names in the file whose rows are in none of the layers.

    Whoever splits or reorders layers keeps their rows, so they are counted.
    """
    ups = [layer.lora_B[key].weight.detach() for layer in layers if key in layer.lora_B]
    there = sum(map(len, ups))
    other = [name for name in read.other if name.endswith("up.weight")]
    wanted = sum(len(own.up) for own in read.factors.values())
    wanted += sum(len(read.other[name]) for name in other)
    if there >= wanted:
        return []
    rows = {row for up in ups for row in _rows(up)}
    lost = [name for name, own in read.factors.items() if _rows(own.up[:1])[0] not in rows]
    return lost or list(read.other) or list(read.factors)


def _rows(up: torch.Tensor) -> list[bytes]:
    """Beginnings of rows, as precise as the coarsest type that a layer has."""
    begins = up.flatten(1)[:, :1].to("cpu", torch.bfloat16).contiguous().view(torch.int16)
    return [row.numpy().tobytes() for row in begins]
