"""The device: which one, what it can do, and what its memory says."""

import importlib.util
import platform
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import psutil
import torch
from diffusers.utils import torch_utils

from engine.diffusion.card import card_of
from engine.diffusion.cpu_memory import give_back_freed_memory, keep_freed_memory
from engine.errors import DeviceUnavailable
from engine.memory.device import (
    CONTEXT_BYTES,
    OWN_MEMORY,
    RAM_RESERVE,
    DeviceFacts,
    DeviceMemory,
    reserve_of,
)
from engine.memory.plan import Quantization
from engine.memory.precision import computes_float16
from engine.memory.quantization import QUANTIZATION_METHODS
from engine.settings import EngineSettings
from speech import say_many

GIGABYTE = 10**9

WITHOUT_FLOAT64 = frozenset({"mps", "npu", "neuron", "xpu"})
"""Where Diffusers is to compute positions in float32: Intel's first Arc cards have no float64."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where pictures are painted.

    Attributes:
        name: The device, such as `cuda:0`.
        reserve_bytes: Memory left free for other programs; `None` for as much as they seem to need.
        limit_bytes: The most memory that this program may take; `None` for no limit.
    """

    name: torch.device
    reserve_bytes: int | None = None
    limit_bytes: int | None = None

    @classmethod
    def choose(cls, settings: EngineSettings) -> Self:
        """The device that the settings choose on this machine; of several, the first.

        Raises:
            DeviceUnavailable: When torch finds no such device.
        """
        found = {
            "cuda": torch.cuda.device_count(),
            "xpu": torch.xpu.device_count(),
            "mps": int(torch.backends.mps.is_available()),
            "cpu": 1,
        }
        name = settings.devices[0]
        if name == "auto":
            name = next(kind for kind, number in found.items() if number)
        device = torch.device(name)
        available = found[device.type]
        if (device.index or 0) >= available:
            raise DeviceUnavailable(
                say_many(
                    "[engine] device is set to “{name}”, but torch {version} found {number} "
                    "such device here. “auto” and “cpu” always work.",
                    "[engine] device is set to “{name}”, but torch {version} found {number} "
                    "such devices here. “auto” and “cpu” always work.",
                    available,
                    name=name,
                    version=str(torch.__version__),
                )
            )
        if device.type in OWN_MEMORY:  # some functions of torch refuse a card without its number
            device = torch.device(device.type, device.index or 0)
        limit, reserve = settings.memory_gb, settings.reserve_gb
        return cls(
            name=device,
            reserve_bytes=None if reserve == "auto" else int(reserve * GIGABYTE),
            limit_bytes=None if limit is None else int(limit * GIGABYTE),
        )

    @property
    def has_own_memory(self) -> bool:
        """Whether weights in RAM have to be moved to it."""
        return self.name.type in OWN_MEMORY

    def facts(self, own_bytes: int = 0) -> DeviceFacts:
        """What the memory plan needs to know.

        Args:
            own_bytes: RAM that master weights already take and would take again.
        """
        ram = max(0, psutil.virtual_memory().available + own_bytes - RAM_RESERVE)
        if (card := card_of(self.name)) is not None:
            return self._card_facts(card, ram)
        free, bf16 = ram, True
        if self.name.type == "mps":
            free = min(ram, self._metal_bytes())
            bf16 = torch.backends.mps.is_macos_or_newer(14, 0)
        return DeviceFacts(
            kind=self.name.type,
            name=self.name.type,
            total_bytes=psutil.virtual_memory().total,
            free_bytes=free,
            reserve_bytes=(self.reserve_bytes or 0) if self.name.type == "mps" else 0,
            bf16=bf16,
            ram_free_bytes=ram,
            quantizations=quantizations(),
        )

    def memory(self) -> DeviceMemory:
        """How much of its memory is taken now, by whichever program; without its own, of RAM."""
        if (card := card_of(self.name)) is not None:
            free, total = card.mem_get_info(self.name)
            used = total - free
        elif self.name.type == "mps":
            used = torch.mps.driver_allocated_memory()
            total = torch.mps.recommended_max_memory()
        else:
            ram = psutil.virtual_memory()
            used, total = ram.total - ram.available, ram.total
        return DeviceMemory(str(self.name), used, total)

    def _card_facts(self, backend: Any, ram: int) -> DeviceFacts:
        """The facts of a card, asked from `torch.cuda` or `torch.xpu`."""
        properties = backend.get_device_properties(self.name)
        free, total, reserve = self._memory(backend)
        capability = None
        if self.name.type == "cuda" and torch.version.hip is None:  # AMD's numbers mean others
            capability = backend.get_device_capability(self.name)
        return DeviceFacts(
            kind=self.name.type,
            name=properties.name,
            total_bytes=total,
            free_bytes=free,
            reserve_bytes=reserve,
            bf16=self._computes_bf16(backend, capability),
            float16=capability is None or computes_float16(properties.name),
            compute_capability=capability,
            ram_free_bytes=ram,
            quantizations=quantizations(),
        )

    def _computes_bf16(self, backend: Any, capability: tuple[int, int] | None) -> bool:
        if self.name.type == "xpu":
            return bool(backend.is_bf16_supported(including_emulation=False))
        return capability is None or capability >= (8, 0)

    def _metal_bytes(self) -> int:
        """What Metal advises to take at most, or the owner's limit if that is less."""
        most = int(torch.mps.recommended_max_memory())
        return most if self.limit_bytes is None else min(most, self.limit_bytes)

    def _memory(self, backend: Any) -> tuple[int, int, int]:
        """What this process may take of a card's memory, all of it, and what to leave free."""
        free, total = backend.mem_get_info(self.name)
        free += backend.memory_reserved(self.name)
        reserve = self.reserve_bytes
        if reserve is None:
            others = total - free - CONTEXT_BYTES
            reserve = reserve_of(total, others, windows=platform.system() == "Windows")
        if self.limit_bytes is not None:
            free = min(free, self.limit_bytes)
        return free, total, reserve

    def select(self) -> None:
        """Make it the device that libraries use by default on this thread, as bitsandbytes does.

        Where float32 stays, NVIDIA's tensor cores multiply it with TF32's 10 bits of mantissa, as
        many as float16 has; convolutions do so anyway. On a CPU memory is kept until `release`.
        """
        if self.name.type == "cuda":
            torch.cuda.set_device(self.name)
            torch.set_float32_matmul_precision("high")
        elif self.name.type == "xpu":
            torch.xpu.set_device(self.name)
            if not torch.xpu.get_device_properties(self.name).has_fp64:
                torch_utils._DTYPE_UNSUPPORTED_DEVICES[torch.float64] = WITHOUT_FLOAT64
        elif self.name.type == "cpu":
            keep_freed_memory()

    def claim(self) -> None:
        """Keep this process within what is free now; beyond it, memory counts as used up.

        Without that, drivers on Windows let memory spill into RAM, which is many times slower than
        the next plan down, and macOS swaps. The reserve is for what the allocator loses, too.
        """
        if (card := card_of(self.name)) is not None:
            if hasattr(card, "set_per_process_memory_fraction"):  # torch 2.9 lacks Intel's
                free, total, _ = self._memory(card)
                share = free / total
                card.set_per_process_memory_fraction(min(1.0, max(0.0, share)), self.name)
        elif self.name.type == "mps":  # which by default goes 1.7 times as far as Metal advises
            share = self._metal_bytes() / torch.mps.recommended_max_memory()
            torch.mps.set_per_process_memory_fraction(share)

    def release(self) -> None:
        """Free unused memory: the device's, and page-locked RAM."""
        if self.name.type == "cpu":
            give_back_freed_memory()
            return
        torch.get_device_module(self.name).empty_cache()
        if card_of(self.name) is not None:
            empty_host_cache = getattr(torch.accelerator, "empty_host_cache", None)
            if empty_host_cache is not None:  # older versions of torch lack it
                empty_host_cache()


@cache
def quantizations() -> frozenset[Quantization]:
    """The quantization methods whose libraries are installed."""
    return frozenset(
        method
        for method, facts in QUANTIZATION_METHODS.items()
        if not facts.library or importlib.util.find_spec(facts.library)
    )
