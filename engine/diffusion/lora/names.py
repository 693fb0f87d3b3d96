"""The layer of a pipeline that a name in a LoRA file means."""

import re
from collections.abc import Mapping
from typing import Any

from peft.tuners.tuners_utils import BaseTunerLayer

from engine.models.families import FamilyFacts

ORIGINAL_UNET = (
    ("time_embed_0", "time_embedding_linear_1"),
    ("time_embed_2", "time_embedding_linear_2"),
    ("label_emb_0_0", "add_embedding_linear_1"),
    ("label_emb_0_2", "add_embedding_linear_2"),
    ("out_2", "conv_out"),
    ("input_blocks_0_0", "conv_in"),
    ("middle_block_0", "mid_block_resnets_0"),
    ("middle_block_1", "mid_block_attentions_0"),
    ("middle_block_2", "mid_block_resnets_1"),
)
"""How names in the original layout begin, and what Diffusers calls that."""

ORIGINAL_RESNET = (
    ("in_layers_2", "conv1"),
    ("out_layers_3", "conv2"),
    ("emb_layers_1", "time_emb_proj"),
    ("skip_connection", "conv_shortcut"),
)
"""The layers of a residual block in the original layout, and in Diffusers."""


class LayerNames:
    """The layers of a pipeline's components by the names that LoRA files give them.

    Attributes:
        denoiser: Name of the component that is the denoiser.
    """

    def __init__(self, components: Mapping[str, Any], facts: FamilyFacts) -> None:
        """Take the components with layers to adapt."""
        self.denoiser = facts.denoiser
        self._layers = {
            component: {
                _flat(name): (name, module)
                for name, module in model.named_modules()
                if getattr(module, "weight", None) is not None and not _of_adapter(name)
            }
            for component, model in components.items()
        }
        encoders = facts.text_encoders or (facts.denoiser,)
        self._prefixes = {
            "lora_unet_": facts.denoiser,
            "lora_transformer_": facts.denoiser,
            "lycoris_": facts.denoiser,
            "lora_te_": encoders[0],
            "lora_te1_": encoders[0],
            "lora_te2_": encoders[min(1, len(encoders) - 1)],
            "lora_te3_": encoders[-1],
            "base_model.model.": facts.denoiser,
            "diffusion_model.": facts.denoiser,
        }
        self._prefixes |= {f"{name}.": name for name in components} | {"": facts.denoiser}
        config = getattr(components.get(facts.denoiser), "config", None)
        self._per_block = getattr(config, "layers_per_block", None)

    def find(self, name: str) -> tuple[str, str] | None:
        """The component and the layer that a file's `name` means, if it's one of theirs."""
        for prefix, component in self._prefixes.items():
            if name.startswith(prefix):
                flat = _flat(name.removeprefix(prefix))
                layers = self._layers.get(component, {})
                tries = (flat, f"{flat}_0", self._in_diffusers(flat))
                found = next((layers[each] for each in tries if each in layers), None)
                if found is not None:
                    return component, found[0]
        return None

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """The shape of that layer's weight, as far as its module tells."""
        if (found := self.find(name)) is None:
            return None
        component, layer = found
        module = self._layers[component][_flat(layer)][1]
        if isinstance(module, BaseTunerLayer):
            module = module.get_base_layer()
        if hasattr(module, "kernel_size"):
            return (module.out_channels, module.in_channels // module.groups, *module.kernel_size)
        if hasattr(module, "in_features"):
            return (module.out_features, module.in_features)
        return tuple(module.weight.shape)

    def _in_diffusers(self, flat: str) -> str:
        """A UNet's layer in the original layout, as Diffusers calls it."""
        if self._per_block is None or not isinstance(self._per_block, int):
            return flat
        for original, ours in ORIGINAL_UNET:
            if flat.startswith(original):
                flat = ours + flat.removeprefix(original)
                break
        for side, block in (("input_blocks", "down"), ("output_blocks", "up")):
            if match := re.fullmatch(rf"{side}_(\d+)_(\d+)_(.+)", flat):
                number, inner, rest = int(match[1]), int(match[2]), match[3]
                place, layer = divmod(number - (block == "down"), self._per_block + 1)
                if rest == "op":
                    kind, layer, rest = "downsamplers", 0, "conv"
                elif rest == "conv":
                    kind, layer = "upsamplers", 0
                else:
                    kind = ("resnets", "attentions", "attentions")[min(inner, 2)]
                flat = f"{block}_blocks_{place}_{kind}_{layer}_{rest}"
        for original, ours in ORIGINAL_RESNET:
            if flat.endswith(original):
                return flat.removesuffix(original) + ours
        return flat


def _flat(name: str) -> str:
    """A name as kohya's trainer writes it; Transformers has CLIP with and without `text_model`."""
    return name.replace(".", "_").removeprefix("text_model_")


def _of_adapter(name: str) -> bool:
    return "lora_" in name or name.endswith(".base_layer")
