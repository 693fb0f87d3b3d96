"""The components of a pipeline that runs whole: Diffusers and accelerate move them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from engine.diffusion.offload.weights import added_bytes, size_of
from engine.memory.components import Component
from engine.memory.plan import Plan, Quantization, Residence, Stage


class AccelerateOffload:
    """A pipeline whose `__call__` moves its components by accelerate's hooks.

    Attributes:
        device: Where it computes.
        adapter_bytes: Bytes of what was loaded into components since they were taken, by name.
    """

    def __init__(self, pipe: Any, device: torch.device, plan: Plan | None = None) -> None:
        """Take a pipeline whose weights are in RAM; see `OffloadedComponents`."""
        self.device = device
        self._pipe = pipe
        self._plan = plan
        self._placed: Any = None
        self._own_bytes = {name: size_of(module) for name, module in self._modules()}
        self.adapter_bytes: dict[str, int] = {}

    def _modules(self) -> list[tuple[str, nn.Module]]:
        components = getattr(self._pipe, "components", {})
        return [(name, each) for name, each in components.items() if isinstance(each, nn.Module)]

    @property
    def movable(self) -> bool:
        """Whether all of it can be moved off the device."""
        return self._plan is None or all(
            place.quantization is not Quantization.BNB8 for place in self._plan.places.values()
        )

    @property
    def added(self) -> tuple[Component, ...]:
        """Nothing can be added."""
        return ()

    @property
    def nbytes(self) -> int:
        """Bytes of all weights."""
        return sum(size_of(module) for _, module in self._modules())

    def apply(self, plan: Plan) -> None:
        """Place the components as `plan` says, from the next call on."""
        self.release()
        self._plan = plan

    @contextmanager
    def altering(self, *names: str) -> Iterator[None]:
        """Have the components as they were found, to add layers to them or remove some."""
        self.release()
        try:
            yield
        finally:
            self.adapter_bytes = added_bytes(self._own_bytes, dict(self._modules()))

    def to_device(self, pipe: Any = None) -> None:
        """Have the pipeline ready to be called, or another one with the same components."""
        pipe = pipe or self._pipe
        if self._placed is pipe:
            return
        self.release()
        self._placed = pipe
        residences = {place.residence for place in self._plan.places.values()} if self._plan else {}
        if not self._plan or residences == {Residence.RESIDENT}:
            pipe.to(self.device)
        elif Residence.STREAMED in residences:
            pipe.enable_sequential_cpu_offload(device=self.device)
        else:
            pipe.enable_model_cpu_offload(device=self.device)

    def take_usage(self, stage: Stage) -> None:
        """Nothing: its stages can't be told apart."""

    def release(self) -> None:
        """Move everything off the device."""
        if self._placed is not None:
            self._placed.remove_all_hooks()
            self._placed = None
        if self.device.type != "cpu":
            self._pipe.to("cpu")
