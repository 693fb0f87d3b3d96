"""Channels last: the layout of convolutions that tensor cores like, where it is measured faster.

Whether it is depends on the card and on what stands between the convolutions: torch's GroupNorm
takes the other layout on CUDA, so that what one operation gains another may lose. So it is tried
once per card and model, with the model's own pictures. (PyTorch's tutorial “Channels Last Memory
Format in PyTorch” tells of 8 to 35 % for networks of convolutions in half precision.)
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from engine.diffusion.trials import MIN_GAIN, best_seconds
from engine.diffusion.tuning import Tuning

log = logging.getLogger(__name__)

LAST, FIRST = "last", "first"
REPEATS = 2


class MemoryFormat:
    """The layout of one component's weights."""

    def __init__(
        self, module: nn.Module | None, tuning: Tuning, device: torch.device, name: str
    ) -> None:
        """Take a component, called `name`, before it is moved to the device."""
        self._module, self._tuning, self._device, self._name = module, tuning, device, name
        known = tuning.text(f"{name}_channels")
        convolutions = (
            part
            for part in (module.modules() if module is not None else ())
            if isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)
        )
        self._convolution = next(convolutions, None)
        self._chosen = known if device.type == "cuda" and self._convolution else FIRST
        if self._chosen == LAST and module is not None:
            _lay_out(module, torch.channels_last)

    def call(self, compute: Callable[[], torch.Tensor], *, may_try: bool) -> torch.Tensor:
        """What `compute` returns, which may be called several times.

        Args:
            compute: Calls the component.
            may_try: Whether this call is fit for comparing, if that hasn't been done yet.
        """
        if self._chosen is None and may_try:
            self._chosen = self._try_both(compute)
        elif self._chosen == LAST and may_try and not self._lies_so:
            assert self._module is not None, "only convolutions are laid out"
            _lay_out(self._module, torch.channels_last)
        return compute()

    @property
    def _lies_so(self) -> bool:
        """Whether weights are still channels last: those that left come back as they are in RAM."""
        assert self._convolution is not None, "only convolutions are laid out"
        return self._convolution.weight.is_contiguous(memory_format=torch.channels_last)

    def _try_both(self, compute: Callable[[], torch.Tensor]) -> str:
        """Time both layouts; the one that is faster."""
        assert self._module is not None, "only convolutions are tried"
        first = self._timed(compute)
        try:
            _lay_out(self._module, torch.channels_last)
            last = self._timed(compute)
        except Exception as error:
            log.info("%s: channels last doesn't work: %s", self._name, error)
            last = float("inf")
        gain = first / last
        chosen = LAST if gain >= MIN_GAIN else FIRST
        if chosen == FIRST:
            _lay_out(self._module, torch.contiguous_format)
        log.info("%s: channels last is %.2f times as fast; channels %s", self._name, gain, chosen)
        found: dict[str, Any] = {f"{self._name}_channels": chosen}
        self._tuning.remember(**found, **{f"{self._name}_channels_gain": round(gain, 3)})
        return chosen

    def _timed(self, compute: Callable[[], torch.Tensor]) -> float:
        compute()  # warms up
        return best_seconds(compute, self._device, REPEATS)


def _lay_out(module: nn.Module, memory_format: torch.memory_format) -> None:
    # Parameters are ordinary tensors; in inference mode they wouldn't take new data.
    with torch.inference_mode(False), torch.no_grad():
        module.to(memory_format=memory_format)  # type: ignore[call-overload]
