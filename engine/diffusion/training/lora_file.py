"""The finished LoRA as a file that Diffusers, ComfyUI and A1111 read.

Of Stable Diffusion the layers have kohya's names, which all three know; of other families those of
Diffusers, which ComfyUI takes too. Diffusers takes a DoRA under kohya's names for a plain LoRA. The
header says what it was trained on and how, by the standard of model metadata
(https://github.com/Stability-AI/ModelSpec) and by kohya's names.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import torch
from diffusers.utils import convert_state_dict_to_kohya
from safetensors.torch import save

from engine.atomic_write import write_whole
from engine.training.request import TrainingRequest
from engine.training.run_folder import not_written

ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {
        "sd": "stable-diffusion-v1",
        "sd 2": "stable-diffusion-v2",
        "sdxl": "stable-diffusion-xl-v1-base",
        "flux": "flux-1-dev",
        "flux2-klein": "flux-2-klein",
        "z-image": "z-image",
        "qwen-image": "qwen-image",
    }
)
"""`modelspec.architecture` by family, and of Stable Diffusion 2."""

VERSIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "sd": {"ss_base_model_version": "sd_v1", "ss_v2": "False"},
        "sd 2": {"ss_base_model_version": "sd_v2", "ss_v2": "True"},
        "sdxl": {"ss_base_model_version": "sdxl_base_v1-0"},
        "flux": {"ss_base_model_version": "flux1"},
    }
)
"""What kohya's scripts say of them; A1111 doesn't list a LoRA for models of another version."""

WIDTH_OF_SD_2 = 1024
"""Of its text encoder; 1.x has 768."""

KOHYA = "sd", "sdxl"
"""Families whose LoRAs have kohya's names; ComfyUI and A1111 know no others."""

DTYPE = torch.float16
"""Of the file, as is usual: half of what was trained."""

MODEL = "text_model."

ENCODERS: Mapping[str, str] = MappingProxyType(
    {"text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}
)
"""Text encoders whose LoRAs have kohya's names, and what those begin with."""

MAGNITUDE = ".lora_magnitude_vector"
"""How PEFT's names of DoRA's magnitudes end."""


def write_lora(
    file: Path,
    factors: Mapping[str, Mapping[str, torch.Tensor]],
    family: str,
    request: TrainingRequest,
    base: str | None,
    step: int,
) -> None:
    """Write a LoRA. Blocks.

    Args:
        file: Where.
        factors: Its weights by component and PEFT's names.
        family: That it is for.
        request: How it was trained.
        base: Hub ID of what it was trained on, if it has one.
        step: Steps that were done.

    Raises:
        StorageError: There's no room, or the folder can't be written.
    """
    tensors = {
        f"{component}.{name}": value.to(DTYPE)
        for component, own in factors.items()
        for name, value in (_as_others_name(own) if component in ENCODERS else own).items()
    }
    if family in KOHYA:
        tensors = _kohya(tensors, one_encoder=family == "sd")
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    digest = hashlib.sha256(_data(save(tensors))).hexdigest()
    layers = [name for own in factors.values() for name in own.items()]
    metadata = _metadata(_version(family, layers), request, base, step, digest)
    try:
        write_whole(file, save(tensors, metadata))
    except OSError as error:
        raise not_written(file, error) from error


def _as_others_name(factors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Those of a text encoder as it is named elsewhere: Transformers leaves out `text_model`."""
    return {f"{MODEL}{name.removeprefix(MODEL)}": value for name, value in factors.items()}


def _kohya(tensors: Mapping[str, torch.Tensor], *, one_encoder: bool) -> dict[str, torch.Tensor]:
    """The same with kohya's names, which Diffusers gives to all but DoRA's magnitudes.

    A text encoder is `lora_te` where there is one, else `lora_te1` and `lora_te2`.

    Those are the norms of a weight's rows, in its dimensions: shape (out, 1), or (out, 1, 1, 1).
    """
    plain: dict[str, torch.Tensor] = {}
    scales: dict[str, torch.Tensor] = {}
    for name, value in tensors.items():
        layer = name.removesuffix(MAGNITUDE)
        if layer == name:
            plain[name] = value
        else:
            shape = -1, *[1] * (tensors[f"{layer}.lora_A.weight"].ndim - 1)
            scales[f"{layer}.dora_scale"] = value.reshape(shape)
    named = {_kohya_name(name): value for name, value in scales.items()}
    named |= convert_state_dict_to_kohya(plain)
    if not one_encoder:
        return named
    return {name.replace("lora_te1_", "lora_te_", 1): value for name, value in named.items()}


def _kohya_name(name: str) -> str:
    """The name of a layer's magnitude, as that of its factors begins."""
    layer, _, part = name.rpartition(".")
    component, _, rest = layer.partition(".")
    return f"{ENCODERS.get(component, f'lora_{component}')}_{rest.replace('.', '_')}.{part}"


def _version(family: str, layers: Iterable[tuple[str, torch.Tensor]]) -> str:
    """The family, or “sd 2”."""
    widths = {value.shape[1] for name, value in layers if name.endswith("attn2.to_k.lora_A.weight")}
    return "sd 2" if family == "sd" and WIDTH_OF_SD_2 in widths else family


def _metadata(
    version: str, request: TrainingRequest, base: str | None, step: int, digest: str
) -> dict[str, str]:
    found = {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{ARCHITECTURES.get(version, version)}/lora",
        "modelspec.implementation": "https://github.com/huggingface/diffusers",
        "modelspec.title": request.name,
        "modelspec.date": datetime.now(UTC).isoformat(timespec="seconds"),
        "modelspec.resolution": f"{request.side}x{request.side}",
        "modelspec.trigger_phrase": request.trigger,
        "modelspec.hash_sha256": f"0x{digest}",
        "sshs_model_hash": digest,
        "ss_steps": str(step),
        "ss_network_dim": str(request.rank),
        "ss_network_alpha": str(float(request.rank)),
        "ss_learning_rate": str(request.learning_rate),
        "ss_text_encoder_lr": str(request.text_encoder_rate) if request.text_encoder else "",
        "ss_optimizer": request.optimizer.value,
        "ss_seed": str(request.seed),
        **VERSIONS.get(version, {}),
    }
    if base is not None:
        found |= {"base_model": base, "ss_sd_model_name": base}
    return {name: value for name, value in found.items() if value}


def _data(file: bytes) -> bytes:
    """The tensors of a safetensors file, without its header: what kohya and Civitai hash."""
    return file[8 + int.from_bytes(file[:8], "little") :]
