"""The components of a pipeline that runs whole: Diffusers and accelerate move them."""

from typing import Any

import torch
from torch import nn

from engine.diffusion.offload.weights import size_of
from engine.memory.plan import Plan, Quantization, Residence, Stage


class AccelerateOffload:
    """A pipeline whose `__call__` moves its components by accelerate's hooks."""

    def __init__(self, pipe: Any, device: torch.device, plan: Plan | None = None) -> None:
        """Take a pipeline whose weights are in RAM; see `OffloadedComponents`."""
        self.device = device
        self._pipe = pipe
        self._plan = plan
        self._placed = False

    @property
    def movable(self) -> bool:
        """Whether all of it can be moved off the device."""
        return self._plan is None or all(
            place.quantization is not Quantization.BNB8 for place in self._plan.places.values()
        )

    @property
    def adapter_bytes(self) -> dict[str, int]:
        """None: it takes no LoRAs."""
        return {}

    @property
    def nbytes(self) -> int:
        """Bytes of all weights."""
        return sum(size_of(p) for p in self._pipe.components.values() if isinstance(p, nn.Module))

    def apply(self, plan: Plan) -> None:
        """Place the components as `plan` says, from the next call on."""
        self.release()
        self._plan = plan

    def to_device(self) -> None:
        """Have the pipeline ready to be called."""
        if self._placed:
            return
        self._placed = True
        residences = {place.residence for place in self._plan.places.values()} if self._plan else {}
        if not self._plan or residences == {Residence.RESIDENT}:
            self._pipe.to(self.device)
        elif Residence.STREAMED in residences:
            self._pipe.enable_sequential_cpu_offload(device=self.device)
        else:
            self._pipe.enable_model_cpu_offload(device=self.device)

    def take_usage(self, stage: Stage) -> None:
        """Nothing: its stages can't be told apart."""

    def release(self) -> None:
        """Move everything off the device."""
        self._placed = False
        self._pipe.remove_all_hooks()
        if self.device.type != "cpu":
            self._pipe.to("cpu")
