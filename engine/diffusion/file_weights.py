"""What single files of other programs hold beside plain weights: scales, markers, other names.

Diffusers reads the plain layouts. What it passes over in silence is read here or refused: weights
in float8 with a scale for each, a UNet without its prefix, a text encoder with the names of older
programs, and how the model was trained.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from engine.errors import ModelUnavailable
from engine.hub.single_file import GENERATIONS, LEFTOVERS, UNET, VAE
from speech import say

SCALES = (".scale_weight", ".weight_scale")
"""Ends of the names of scales: ComfyUI's two ways of writing float8."""

SCALE_EXTRAS = (".scale_input", ".input_scale", "scaled_fp8", ".comfy_quant")
"""What goes with them: for a multiplication in float8, which isn't done here."""

V_PREDICTION = ("v", "v_prediction", "v-prediction", "true")
ZERO_SNR = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
"""Noise schedules that end in pure noise have to be stepped through to their end (Lin et al.,
"Common Diffusion Noise Schedules and Sample Steps are Flawed", 2024, sections 3.1 and 3.3)."""


def scheduler_options(file: Path) -> dict[str, Any]:
    """What a checkpoint says of its training, as options of a Diffusers scheduler.

    Programs write it as empty tensors, `v_pred` and `ztsnr`, or into the file's metadata.
    """
    with safe_open(file, "pt") as opened:
        names, metadata = set(opened.keys()), opened.metadata() or {}
    told = metadata.get("modelspec.prediction_type", metadata.get("ss_v_parameterization", ""))
    options: dict[str, Any] = {}
    if "v_pred" in names or told.lower() in V_PREDICTION:
        options["prediction_type"] = "v_prediction"
    elif told.lower() in ("epsilon", "eps"):
        options["prediction_type"] = "epsilon"
    zero_snr = metadata.get("ss_zero_terminal_snr", "").lower() == "true"
    if "ztsnr" in names or zero_snr:
        options |= ZERO_SNR
    return options


def needs_reading(file: Path) -> bool:
    """Whether a denoiser's file holds what Diffusers would pass over, or not find."""
    names = _names(file)
    return _is_scaled(names) or _is_bare_unet(names)


def denoiser_weights(file: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The tensors of a file, scales applied, a bare UNet's with the prefix that Diffusers expects.

    Raises:
        ModelUnavailable: Other parts than the denoiser have scales.
    """
    tensors = load_file(file)
    scaled = [name for name in tensors if name.endswith(SCALES)]
    others = [name for name in scaled if _is_checkpoint(tensors) and not name.startswith(UNET)]
    if others:
        raise ModelUnavailable(
            say(
                "{file} has scaled float8 weights outside its denoiser, such as {name}. Use a "
                "version in float16.",
                file=file.name,
                name=others[0],
            )
        )
    for name in scaled:
        stem = name.removesuffix(".scale_weight").removesuffix("_scale").removesuffix(".weight")
        weight = tensors[f"{stem}.weight"].float() * tensors[name].float()
        tensors[f"{stem}.weight"] = weight.to(dtype)
    kept = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.endswith((*SCALES, *SCALE_EXTRAS))
    }
    return {UNET + name: tensor for name, tensor in kept.items()} if _is_bare_unet(kept) else kept


def older_text_encoder(file: Path, prefix: str) -> dict[str, torch.Tensor] | None:
    """A CLIP text encoder whose names lack `text_model.`; `None` if they have it.

    Older programs and merges leave it out.

    Args:
        file: The checkpoint.
        prefix: That of the text encoder in it, which the names in the result are without.
    """
    names = [name for name in _names(file) if name.startswith(prefix)]
    if not names or any(name.startswith(f"{prefix}text_model.") for name in names):
        return None
    with safe_open(file, "pt") as opened:
        return {name.removeprefix(prefix): opened.get_tensor(name) for name in names}


def unused_tensors(file: Path) -> list[str]:
    """The names of a checkpoint's tensors that belong to no part that is loaded."""
    encoders = {prefix for traits in GENERATIONS.values() for prefix, _ in traits.text_encoders}
    known = (UNET, *VAE, *encoders, *LEFTOVERS)
    return sorted(name for name in _names(file) if not name.startswith(known))


def _names(file: Path) -> list[str]:
    with safe_open(file, "pt") as opened:
        return list(opened.keys())


def _is_scaled(names: Iterable[str]) -> bool:
    return any(name.endswith(SCALES) for name in names)


def _is_bare_unet(names: Iterable[str]) -> bool:
    return any(name == "input_blocks.0.0.weight" for name in names)


def _is_checkpoint(tensors: Mapping[str, object]) -> bool:
    return any(name.startswith(VAE) for name in tensors)
