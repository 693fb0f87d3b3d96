"""What is known of the device before anything is loaded."""

from dataclasses import dataclass
from typing import Self

from engine.memory.plan import Quantization

CONTEXT_BYTES = 400_000_000
"""What CUDA takes for itself in a process, 300 to 500 MB by card; a real device's free memory,
asked for from within the process, has it off already."""
RESERVE_SHARE = 0.03
LEAST_RESERVE = 128 * 2**20
"""Left free for what allocators lose to fragmentation (an estimate)."""
DESKTOP_RESERVE = 400 * 2**20
WINDOWS_RESERVE = 600 * 2**20
"""Left free where a desktop uses the card, too; on Windows, where memory that doesn't fit spills
into RAM instead of failing, more. As in ComfyUI."""
PCIE_BYTES_PER_SECOND = 12e9
"""From pinned memory over PCIe 3.0 x16, which a 4.0 x16 or x8 slot reaches too."""
FLOPS = 25e12
"""In half precision, as reached (not as advertised) by a card like the RTX 3060 (an estimate)."""
RAM_RESERVE = 2 * 10**9
"""Bytes of RAM that models leave free for everything else."""
NO_LIMIT = 2**62
OWN_MEMORY = frozenset({"cuda", "xpu"})
"""The kinds of device whose memory isn't RAM."""
IMAGINED = {
    "cuda": "a card with {size}",
    "xpu": "an Intel card with {size}",
    "mps": "a Mac with {size}",
}
"""What imagined devices are called, by kind."""
METAL_SHARE, LARGE_METAL_SHARE, SMALL_MAC = 2 / 3, 3 / 4, 36 * 2**30
"""Of a Mac's memory, what Metal advises to take at most: two thirds of up to 36 GB, three quarters
of more (an estimate; a real one is asked)."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """A device's memory at one moment, whoever uses it.

    Attributes:
        name: The device, such as `cuda:0`.
        used_bytes: What all programs have taken of it.
        total_bytes: All of it.
    """

    name: str
    used_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """A device, as the memory plan sees it.

    Attributes:
        kind: `cuda` (NVIDIA or AMD), `xpu` (Intel), `mps` (Apple) or `cpu`.
        name: As the driver calls it; measurements are kept by it.
        total_bytes: All of its memory.
        free_bytes: What this process may take of it, including what its own weights take.
        reserve_bytes: What of that is left free.
        bf16: Whether it computes in bfloat16.
        float16: Whether it computes in float16 without giving NaN.
        compute_capability: Of an NVIDIA card, such as `(8, 9)`.
        ram_free_bytes: For the master weights.
        transfer_bytes_per_second: From RAM to the device.
        flops: Reached in half precision, per second.
        quantizations: The quantization methods that the installed libraries offer.
    """

    kind: str
    name: str
    total_bytes: int
    free_bytes: int
    reserve_bytes: int
    bf16: bool = True
    float16: bool = True
    compute_capability: tuple[int, int] | None = None
    ram_free_bytes: int = NO_LIMIT
    transfer_bytes_per_second: float = PCIE_BYTES_PER_SECOND
    flops: float = FLOPS
    quantizations: frozenset[Quantization] = frozenset({Quantization.LAYERWISE})

    @classmethod
    def imagined(
        cls, vram_bytes: int, *, ram_free_bytes: int = NO_LIMIT, kind: str = "cuda"
    ) -> Self:
        """A device with `vram_bytes`, which this machine may not have, and all libraries.

        Args:
            vram_bytes: Its memory; all of the machine's, if that is one with RAM.
            ram_free_bytes: For the master weights, beside a card.
            kind: `cuda` for an NVIDIA card, `xpu` or `mps`.
        """
        own_memory = kind in OWN_MEMORY
        size = f"{vram_bytes / 1e9:.4g} GB"
        free = max(0, vram_bytes - CONTEXT_BYTES) if own_memory else _free_for_metal(vram_bytes)
        return cls(
            kind=kind,
            name=IMAGINED[kind].format(size=size),
            total_bytes=vram_bytes,
            free_bytes=free,
            reserve_bytes=reserve_of(vram_bytes) if own_memory else 0,
            compute_capability=(8, 9) if kind == "cuda" else None,
            ram_free_bytes=ram_free_bytes if own_memory else free,
            quantizations=frozenset(Quantization) - {Quantization.GGUF},
        )

    @property
    def has_own_memory(self) -> bool:
        """Whether weights in RAM have to be moved to it."""
        return self.kind in OWN_MEMORY

    @property
    def usable_bytes(self) -> int:
        """What a plan may take at its peak."""
        return max(0, self.free_bytes - self.reserve_bytes)


def _free_for_metal(total_bytes: int) -> int:
    """What is free of a Mac's memory, if little else runs."""
    share = METAL_SHARE if total_bytes <= SMALL_MAC else LARGE_METAL_SHARE
    return max(0, min(total_bytes - RAM_RESERVE, int(share * total_bytes)))


def reserve_of(total_bytes: int, others_bytes: int = 0, *, windows: bool = False) -> int:
    """What to leave free on a device.

    Args:
        total_bytes: All of its memory.
        others_bytes: What other programs use of it, the driver included.
        windows: Whether its driver is that of Windows.
    """
    desktop = DESKTOP_RESERVE if others_bytes > LEAST_RESERVE else LEAST_RESERVE
    least = WINDOWS_RESERVE if windows else desktop
    return max(least, int(total_bytes * RESERVE_SHARE))
