"""A Z-Image control network in a single file, as alibaba-pai publishes them.

Its tensors have the names that Diffusers has, but nothing says how the network is built. Diffusers
would look that up on the Hub, and knows neither the lite networks nor other sizes; here it's read
from the tensors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import ZImageControlNetModel
from safetensors import safe_open
from safetensors.torch import load_file

from engine.hub.tensor_headers import Tensor, read_safetensors
from speech import say

LAYERS = 30
"""Of the transformer of Z-Image, over which the layers of a network are spread evenly."""

REFINERS = 2
"""Layers of its noise refiner."""

QUERY = "control_layers.0.attention.to_q.weight"
HEAD = "control_layers.0.attention.norm_q.weight"
EMBEDDER = "control_all_x_embedder.2-1.weight"
"""Tensors that tell its sizes; the last one takes patches of 2 × 2 latents of one frame."""

PATCH_CELLS = 4

REFINER = "control_noise_refiner."

UNREFINED = "control_layers"
"""What controls the noise refiner where `REFINER` doesn't, as Diffusers names it."""

SECOND_SERIES = "control_layers.14.after_proj.weight"
"""A layer that the 2.x networks have; the first has six, and the lite ones have three."""


class ZImageControlFile:
    """Loads such a file as Diffusers' classes load folders."""

    @staticmethod
    def from_pretrained(
        file: Path, *, dtype: torch.dtype, **_: object
    ) -> tuple[Any, dict[str, set[str]]]:
        """The network, and which weights are missing; with all there, it's loaded.

        Raises:
            ValueError: It isn't such a network, or has weights that one doesn't use.
            RuntimeError: A tensor has another shape than it should have.
        """
        tensors = {tensor.name: tensor for tensor in read_safetensors(file)}
        if not {QUERY, HEAD, EMBEDDER} <= tensors.keys() or not tensors[HEAD].parameters:
            raise ValueError(say("it isn't a control network for Z-Image"))
        config = _config_of(file, tensors)
        with torch.device("meta"):
            module: Any = ZImageControlNetModel(**config)
        names, expected = set(tensors), set(module.state_dict())
        if config["add_control_noise_refiner"] == UNREFINED:
            names -= {name for name in names if name.startswith(REFINER)}
        if unknown := sorted(names - expected):
            raise ValueError(say("it has weights of another model: {name}", name=unknown[0]))
        if names == expected:
            weights = load_file(file)
            used = {name: weights[name].to(dtype) for name in names}
            module.load_state_dict(used, assign=True)
        return module, {"missing_keys": expected - names, "unexpected_keys": set()}


def _config_of(file: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The arguments of `ZImageControlNetModel`, as in `config/z_image` of VideoX-Fun."""
    (width, _), (_, numbers) = tensors[QUERY].shape, tensors[EMBEDDER].shape
    heads = width // tensors[HEAD].parameters
    layers, refiners = (
        sum(name.startswith(of) and name.endswith(".attention.to_q.weight") for name in tensors)
        for of in ("control_layers.", REFINER)
    )
    return {
        "control_layers_places": [LAYERS * n // layers for n in range(layers)],
        "control_refiner_layers_places": list(range(refiners or REFINERS)),
        "control_in_dim": numbers // PATCH_CELLS,
        "add_control_noise_refiner": _refined_by(file, tensors),
        "dim": width,
        "n_heads": heads,
        "n_kv_heads": heads,
        "n_refiner_layers": refiners or REFINERS,
    }


def _refined_by(file: Path, tensors: Mapping[str, Tensor]) -> str | None:
    """The layers that control the noise refiner, as Diffusers tells the versions apart.

    Version 2.0 has layers for it that were never trained, and uses the others instead; version 2.1
    uses them. The first one has none.
    """
    projection = f"{REFINER}0.before_proj.weight"
    if projection in tensors:
        with safe_open(file, framework="pt") as opened:
            trained = bool(opened.get_tensor(projection).any())
        return REFINER.rstrip(".") if trained else UNREFINED
    return UNREFINED if SECOND_SERIES in tensors else None
