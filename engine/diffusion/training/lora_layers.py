"""The LoRA in one component: which layers it changes, its weights, and the average of them."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from torch import nn

from engine.training.request import TrainingRequest

ADAPTER = "trained"
"""Name of the LoRA among those of the denoiser."""

TRANSFORMER = r"\.(to_[qkv]|to_out\.0|add_[qkv]_proj|to_add_out)$"
UNET = r"\.attn[12]\.(to_[qkv]|to_out\.0)$|\.ff\.net\.(0\.proj|2)$"
CONVOLUTIONS = r"\.(conv1|conv2|conv_shortcut|proj_in|proj_out)$|samplers\.0\.conv$"

LAYERS: Mapping[str, str] = MappingProxyType(
    {
        "flux": TRANSFORMER + r"|\.ff(_context)?\.net\.(0\.proj|2)$",
        "flux2-klein": TRANSFORMER + r"|\.attn\.(to_qkv_mlp_proj|to_out)$",
        "sd": UNET,
        "sdxl": UNET,
    }
)
"""Names of the layers that are changed, by family; others use `TRANSFORMER`. Those of Diffusers'
DreamBooth scripts, and of a UNet its feed-forward layers too, as kohya's scripts do."""

EMA_DECAY = 0.99
"""Of the average: it looks back over some hundred steps, where a LoRA takes one or two thousand."""


ENCODER = r"\.self_attn\.(q_proj|k_proj|v_proj|out_proj)$"
"""Of CLIP's text encoders, as in Diffusers' scripts."""


class LoraLayers:
    """The LoRA's factors in a component, the only weights of it that are trained."""

    def __init__(self, module: Any, layers: list[str], request: TrainingRequest) -> None:
        """Add them, as large as the request says; at first they change nothing.

        Args:
            module: A model of Diffusers or Transformers on the CPU; it is frozen.
            layers: Names of those that are changed.
            request: What is to be trained.
        """
        self._module = module
        module.requires_grad_(False)
        module.add_adapter(
            LoraConfig(
                r=request.rank,
                lora_alpha=request.rank,
                target_modules=layers,
                use_dora=request.dora,
            ),
            adapter_name=ADAPTER,
        )
        with torch.no_grad():
            for weight in self.parameters:
                weight.data = weight.data.float()
        self._average = EMAModel(self.parameters, decay=EMA_DECAY) if request.ema else None

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Its weights, float32."""
        return [weight for weight in self._module.parameters() if weight.requires_grad]

    def to(self, device: torch.device) -> None:
        """Move the average to where the component is now."""
        if self._average is not None:
            self._average.to(device)

    def average(self) -> None:
        """Take the weights as they are after a step into the average."""
        if self._average is not None:
            self._average.step(self.parameters)

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Have the component compute as it did without it."""
        self._module.disable_adapters()
        try:
            yield
        finally:
            self._module.enable_adapters()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Have the average in place of the weights, if there is one."""
        if self._average is None:
            yield
            return
        self._average.store(self.parameters)
        self._average.copy_to(self.parameters)
        try:
            yield
        finally:
            self._average.restore(self.parameters)

    def factors(self) -> dict[str, torch.Tensor]:
        """A copy of its weights by PEFT's names for them, in RAM."""
        found = get_peft_model_state_dict(self._module, adapter_name=ADAPTER)
        return {name: value.detach().to("cpu", copy=True) for name, value in found.items()}

    def state(self) -> dict[str, Any]:
        """What `restore` takes, for a checkpoint."""
        average = self._average.state_dict() if self._average is not None else None
        return {"factors": self.factors(), "average": average}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        set_peft_model_state_dict(self._module, dict(state["factors"]), adapter_name=ADAPTER)
        if self._average is not None:
            self._average.load_state_dict(state["average"])
            self._average.to(self.parameters[0].device)


def encoder_layers(encoder: nn.Module) -> list[str]:
    """Names of the layers that a LoRA for a CLIP text encoder changes."""
    return [name for name, _ in encoder.named_modules() if re.search(ENCODER, name)]


def target_layers(denoiser: nn.Module, family: str, convolutions: bool) -> list[str]:
    """Names of the layers that a LoRA for `family` changes.

    Args:
        denoiser: Whose.
        family: Its name in `FAMILIES`.
        convolutions: Whether to change a UNet's convolutions too.
    """
    pattern = LAYERS.get(family, TRANSFORMER)
    if convolutions and pattern == UNET:
        pattern += "|" + CONVOLUTIONS
    return [
        name
        for name, part in denoiser.named_modules()
        if isinstance(part, nn.Linear | nn.Conv2d) and re.search(pattern, name)
    ]
