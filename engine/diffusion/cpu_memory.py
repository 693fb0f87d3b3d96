"""How glibc, which allocates torch's tensors on a CPU, treats memory that was freed.

By default it gives memory back to the system as soon as some is free at the end of its heap.
Between two layers that is every time: the system takes the pages, clears them and hands them out
again.
"""

import ctypes
import platform
from functools import cache
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of `mallopt`, in glibc's malloc.h."""

KEPT_BYTES = 512 << 20
"""How much may stay free at the end of a heap; decoding 512² in float32 uses about as much."""

MAPPED_BYTES = 32 << 20
"""Tensors from this size have pages of their own, which go back at once: those of a model's large
weights do, so the next model has room. It is the most that all versions of glibc take."""


def keep_freed_memory() -> None:
    """Have this process keep what it frees, up to `KEPT_BYTES`, until `give_back_freed_memory`.

    Does nothing where there is no glibc.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back_freed_memory() -> None:
    """Give the system what this process doesn't use; does nothing where there is no glibc."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
