"""How a model's denoiser and VAE are called: in the fastest way that paints the same picture.

What is fastest is tried on the card itself: the attention kernel and the layout of convolutions
with the first pictures, compiled blocks when a model is used enough. CUDA graphs aren't used: one
would hold the memory of a whole step for each size of a batch, while batches change with every job
that comes and goes; and a card that has work ahead (`step_clock`) doesn't wait for launches.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from engine.diffusion.attention import KERNELS, Attention, Kernel
from engine.diffusion.compiling.compiler import BlockCompiler, can_compile
from engine.diffusion.memory_format import MemoryFormat
from engine.diffusion.tuning import Tuning
from engine.memory.plan import Plan, Residence

Shape = tuple[int, int, int]
"""Pictures in a batch; width and height of one, pixels."""


class Acceleration:
    """The ways to call one model on a card that were found fast.

    They are tried and used only where the denoiser stays on the card, since otherwise transfers
    decide how long a step takes, and where no LoRA has changed its layers.
    """

    def __init__(
        self,
        pipe: Any,
        denoiser: str,
        device: torch.device,
        tuning: Tuning,
        plan: Callable[[], Plan],
        usable: Callable[[], int],
        *,
        name: str,
        folder: Path,
        kernels: Mapping[str, Kernel] = KERNELS,
    ) -> None:
        """Take a pipeline before its components are moved.

        Args:
            pipe: The Diffusers pipeline.
            denoiser: Name of its denoiser.
            device: Where it computes.
            tuning: Remembers what was found.
            plan: The memory plan as it is now.
            usable: Bytes that a plan may take of the device.
            name: The model's.
            folder: For what is compiled.
            kernels: Ways to compute attention.
        """
        self._denoiser_name, self._plan, self._device = denoiser, plan, device
        self._denoiser = getattr(pipe, denoiser)
        self._format = MemoryFormat(self._denoiser, tuning, device, denoiser)
        self._vae_format = MemoryFormat(getattr(pipe, "vae", None), tuning, device, "vae")
        self._attention = Attention(tuning, device, name, kernels)
        self._compiler = (
            BlockCompiler(
                self._denoiser, device, tuning, name, folder, lambda: usable() - plan().peak_bytes
            )
            if can_compile(device)
            else None
        )

    def denoise(
        self, call: Callable[[], torch.Tensor], shape: Shape, *, hooked: bool = False
    ) -> torch.Tensor:
        """What `call` returns, which calls the denoiser with a batch of that shape.

        The first time it is called some times more, to compare ways to do it.

        Args:
            call: Calls it.
            shape: Of the batch.
            hooked: Whether layers of it have hooks in this call, which compiled blocks would skip.
        """
        plain = self._plain and not hooked
        compiler = self._compiler
        with compiler.calling(shape, plain=plain) if compiler else nullcontext():
            return self._format.call(
                lambda: self._attention.call(call, may_try=plain), may_try=plain
            )

    def decode(self, call: Callable[[], torch.Tensor]) -> torch.Tensor:
        """What `call` returns, which calls the VAE's decoder."""
        place = self._plan().places.get("vae")
        stays = place is not None and place.residence is Residence.RESIDENT
        return self._vae_format.call(call, may_try=stays)

    def count(self, shape: Shape, seconds: float) -> None:
        """The denoiser has taken `seconds` for a batch of that shape."""
        if self._compiler is not None and self._plain:
            self._compiler.count(shape, seconds)

    def improve(self, *, idle: bool) -> None:
        """Do what takes seconds and pays later, if there is something.

        Args:
            idle: Whether no job waits for it.
        """
        compiler = self._compiler
        if compiler is None or not (compiler.ready if idle else compiler.overdue):
            return
        # A network that needed room may have had the weights leave; they come with the next job.
        if next(self._denoiser.parameters()).device.type == self._device.type:
            compiler.load(plain=self._plain)

    def close(self) -> None:
        """Stop what goes on beside painting."""
        if self._compiler is not None:
            self._compiler.close()

    @property
    def _plain(self) -> bool:
        """Whether the denoiser's weights are on the device, as its class made them."""
        place = self._plan().places.get(self._denoiser_name)
        return (
            place is not None
            and place.residence is Residence.RESIDENT
            and place.quantization is None
            and not getattr(self._denoiser, "peft_config", None)
        )
