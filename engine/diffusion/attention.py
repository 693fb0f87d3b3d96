"""The kernel that computes attention: the fastest that works, tried once per card and model.

Torch has several for `scaled_dot_product_attention` and takes the first that can do what it is
given, in an order of its own; which is fastest depends on the card, the size of the heads, and on
how long the sequences are. Diffusers' dispatcher knows further ones that are packages of their own.
All compute the same, up to rounding; what computes something else isn't taken.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import MappingProxyType

import torch
from diffusers.models import attention_backend
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.diffusion.oom import out_of_memory
from engine.diffusion.trials import MIN_GAIN, best_seconds, differs
from engine.diffusion.tuning import Tuning

log = logging.getLogger(__name__)

PLAIN = "torch"
"""Torch's own order."""

Kernel = Callable[[], AbstractContextManager[None]]


def _first(*backends: SDPBackend) -> AbstractContextManager[None]:
    """Torch's kernels in this order, then those that can do everything."""
    rest = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)
    order = [*backends, *(one for one in rest if one not in backends)]
    return sdpa_kernel(order, set_priority=True)


KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        PLAIN: nullcontext,
        "cuDNN": partial(_first, SDPBackend.CUDNN_ATTENTION),
        "flash": partial(_first, SDPBackend.FLASH_ATTENTION),
        "memory-efficient": partial(_first, SDPBackend.EFFICIENT_ATTENTION),
        "flash-attn": partial(attention_backend, "flash"),
        "FlashAttention-3": partial(attention_backend, "_flash_3"),
    }
)
"""By name. The last two are packages, used by the denoisers that ask Diffusers' dispatcher."""


class Attention:
    """Calls one denoiser with the kernel that was found fastest."""

    def __init__(
        self,
        tuning: Tuning,
        device: torch.device,
        name: str,
        kernels: Mapping[str, Kernel] = KERNELS,
    ) -> None:
        """Choose for the denoiser of the model called `name`; other devices have one kernel."""
        self._tuning = tuning
        self._device = device
        self._name = name
        self._kernels = kernels
        known = tuning.text("attention")
        self._chosen = known if known in kernels else None
        if device.type != "cuda":
            self._chosen = PLAIN

    @property
    def chosen(self) -> str | None:
        """The kernel that is used; `None` before they have been tried."""
        return self._chosen

    def call(self, denoise: Callable[[], torch.Tensor], *, may_try: bool) -> torch.Tensor:
        """What `denoise` returns, which may be called several times.

        Args:
            denoise: Calls the denoiser.
            may_try: Whether this call is fit for comparing kernels, if they haven't been yet.
        """
        if self._chosen is None and may_try:
            self._chosen = self._try_all(denoise)
        if self._chosen in (None, PLAIN):
            return denoise()
        try:
            with self._kernels[self._chosen]():
                return denoise()
        except Exception as error:
            if out_of_memory(error):
                raise
            log.warning("%s: attention by %s failed: %s", self._name, self._chosen, error)
            self._remember(PLAIN)
        return denoise()

    def _try_all(self, denoise: Callable[[], torch.Tensor]) -> str:
        """Time each kernel; the name of the fastest."""
        expected = denoise()
        seconds: dict[str, float] = {}
        for name, kernel in self._kernels.items():
            try:
                with kernel():
                    found = denoise()  # warms up
                    if differs(found, expected):
                        log.info("%s: attention by %s computes other numbers", self._name, name)
                        continue
                    seconds[name] = best_seconds(denoise, self._device)
            except Exception as error:
                if name == PLAIN:
                    raise
                log.info("%s: attention by %s doesn't work: %s", self._name, name, error)
        plain = seconds[PLAIN]
        best = min(seconds, key=lambda name: seconds[name])
        if plain < MIN_GAIN * seconds[best]:
            best = PLAIN
        ratios = ", ".join(f"{name} {plain / took:.2f}" for name, took in seconds.items())
        log.info("%s: attention by %s; times as fast as torch's: %s", self._name, best, ratios)
        self._remember(best, plain / seconds[best])
        return best

    def _remember(self, name: str, gain: float = 1.0) -> None:
        self._chosen = name
        self._tuning.remember(attention=name, attention_gain=round(gain, 3))
