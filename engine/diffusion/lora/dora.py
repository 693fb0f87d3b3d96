"""DoRA: the norms that a weight's rows or columns have once an adapter is added to it.

With the weight W, an adapter ΔW and magnitudes m, DoRA's weight is m (W + ΔW) / ‖W + ΔW‖ (Liu et
al., "DoRA", 2024, equation 5). With the factor c = m / ‖W + ΔW‖ it adds (c - 1) W + c ΔW. As c does
not change, it is computed once, c ΔW is an ordinary adapter, and (c - 1) W is a gain of what the
layer gives anyway. What is added is multiplied by the weight that somebody gives the adapter, as
AUTOMATIC1111 and ComfyUI do.
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
from peft.utils.integrations import dequantize_module_weight


@dataclass(frozen=True, slots=True)
class Gain:
    """c - 1 for each row of a layer's weight, shape (out,), or for each column, shape (in,)."""

    values: torch.Tensor
    rows: bool

    def added(self, layer: Any, inputs: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
        """What the gain adds to a layer's outputs, which are without any adapter's."""
        base = layer.get_base_layer()
        spatial = [1] * (2 if hasattr(base, "kernel_size") else 0)
        values = self.values.to(inputs.device).reshape(-1, *spatial)
        if not self.rows:
            outputs = base((inputs * values).to(inputs.dtype))
        if base.bias is not None:
            outputs = outputs - base.bias.to(outputs).reshape(-1, *spatial)
        return outputs * values if self.rows else outputs


def take_gain(layer: Any, key: str) -> Gain | None:
    """Take the magnitudes out of an adapter's last rank, and scale its factors by c.

    Args:
        layer: A PEFT layer.
        key: An adapter from `engine.diffusion.lora.factors.Factors.with_magnitude`.

    Returns:
        `None` if it has no magnitudes in this layer.
    """
    down, up = layer.lora_A[key].weight.data, layer.lora_B[key].weight.data
    column, row = up[:, -1].flatten().float().clone(), down[-1].clone()
    row = (row.flatten(1)[:, 0] if row.ndim > 1 else row).float()
    up[:, -1], down[-1] = 0, 0
    rows = bool(column.any())
    if not rows and not row.any():
        return None
    with torch.no_grad():
        added = (up.float().flatten(1) @ down.float().flatten(1)).reshape(len(up), *down.shape[1:])
        whole = _weight(layer).to(added.device).float() + added
        across = [axis for axis in range(whole.ndim) if axis != (0 if rows else 1)]
        norms = whole.square().sum(across).sqrt().clamp_min(torch.finfo(torch.float32).tiny)
        factor = (column if rows else row) / norms
        if rows:
            up *= factor.reshape(-1, *[1] * (up.ndim - 1)).to(up.dtype)
        else:
            down *= factor.reshape(1, -1, *[1] * (down.ndim - 2)).to(down.dtype)
    return Gain(factor - 1, rows)


def _weight(layer: Any) -> torch.Tensor:
    """The weight of a PEFT layer's own layer, in full precision."""
    base = layer.get_base_layer()
    if hasattr(base.weight, "quant_type"):
        from diffusers.quantizers.gguf.utils import dequantize_gguf_tensor  # which imports gguf

        return cast(torch.Tensor, dequantize_gguf_tensor(base.weight))
    if base.weight.is_floating_point():
        return cast(torch.Tensor, base.weight.detach())
    return dequantize_module_weight(base).detach()
