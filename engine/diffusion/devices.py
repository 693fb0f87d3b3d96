"""The device: which one, in what precision, and how a pipeline is put on it."""

from dataclasses import dataclass
from typing import Any, Self

import torch

from engine.errors import DeviceUnavailable


@dataclass(frozen=True, slots=True)
class Device:
    """Where pictures are painted.

    Attributes:
        name: The device, such as `cuda:0`.
        offload: `resident`, `model` or `sequential`, as in the settings. Only a CUDA device has
            memory of its own to offload from.
    """

    name: torch.device
    offload: str

    @classmethod
    def choose(cls, name: str, offload: str) -> Self:
        """The device that the setting `name` means on this machine.

        Raises:
            DeviceUnavailable: When torch finds no such device here.
        """
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(name)
        available = {
            "cpu": 1,
            "cuda": torch.cuda.device_count(),
            "mps": int(torch.backends.mps.is_available()),
        }[device.type]
        if (device.index or 0) >= available:
            raise DeviceUnavailable(
                f"The setting [engine] device is “{name}”, but torch {torch.__version__} finds "
                f"{available} such devices here. “auto” and “cpu” always work."
            )
        on_gpu = device.type == "cuda"
        return cls(
            name=device,
            offload=offload if on_gpu else "resident",
        )

    def dtype(self, wanted: str) -> torch.dtype:
        """What weights are loaded as.

        Args:
            wanted: `float16`, `bfloat16`, `float32`, or `auto`: half precision on a GPU, single on
                the CPU, where half precision is emulated and slower.
        """
        if wanted == "auto":
            return torch.float32 if self.name.type == "cpu" else torch.float16
        dtype: torch.dtype = getattr(torch, wanted)
        return dtype

    def place(self, pipe: Any) -> None:
        """Put `pipe` on the device, or arrange for its parts to come when they are called."""
        match self.offload:
            case "model":
                pipe.enable_model_cpu_offload(device=self.name)
            case "sequential":
                pipe.enable_sequential_cpu_offload(device=self.name)
            case _:
                pipe.to(self.name)

    def evict(self, pipe: Any, component: Any) -> None:
        """Take `component` of `pipe` off the card, where model offload has left it there."""
        if self.offload == "model":
            for hook in pipe._all_hooks:
                if hook.model is component:
                    hook.offload()

    def release(self) -> None:
        """Give memory that nothing uses any more back to the device."""
        if self.name.type == "cuda":
            torch.cuda.empty_cache()
