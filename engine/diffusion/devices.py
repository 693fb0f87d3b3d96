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
        dtype: What weights are loaded as: half precision on a GPU, single on the CPU, where half
            precision is emulated and slower.
        offload: `resident`, `model` or `sequential`, as in the settings. Only a CUDA device has
            memory of its own to offload from.
    """

    name: torch.device
    dtype: torch.dtype
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
                f"{available} such devices here. Use “auto” or “cpu”, or install a torch build "
                "for your GPU."
            )
        on_gpu = device.type == "cuda"
        return cls(
            name=device,
            dtype=torch.float32 if device.type == "cpu" else torch.float16,
            offload=offload if on_gpu else "resident",
        )

    def place(self, pipe: Any) -> None:
        """Put `pipe` on the device, or arrange for its parts to come when they are called."""
        match self.offload:
            case "model":
                pipe.enable_model_cpu_offload(device=self.name)
            case "sequential":
                pipe.enable_sequential_cpu_offload(device=self.name)
            case _:
                pipe.to(self.name)

    def release(self) -> None:
        """Give memory that nothing uses any more back to the device."""
        if self.name.type == "cuda":
            torch.cuda.empty_cache()
