"""On a CPU, freed memory is kept for the next layer, and given back when a model is unloaded."""

import multiprocessing
import platform
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import psutil
import pytest
import torch

from engine.diffusion import Device
from engine.diffusion.cpu_memory import MAPPED_BYTES

T = TypeVar("T")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.libc_ver()[0] != "glibc", reason="other allocators have ways of their own"
    ),
]

CPU = Device(torch.device("cpu"))
LAYER = MAPPED_BYTES // 4
PAGE = resource.getpagesize()


def faults_of_layers() -> int:
    """How often a page was missing while layers were computed one after another."""
    CPU.select()
    layers(2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    layers(20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def layers(count: int) -> None:
    for _ in range(count):
        made = [torch.ones(LAYER, dtype=torch.uint8) for _ in range(3)]
        del made


def kept_and_released() -> tuple[int, int]:
    """Bytes of RAM that stay taken after tensors are gone, and after `release`."""
    CPU.select()
    process = psutil.Process()
    begun = process.memory_info().rss
    made = [torch.ones(LAYER, dtype=torch.uint8) for _ in range(8)]
    made.clear()
    kept = process.memory_info().rss - begun
    CPU.release()
    return kept, process.memory_info().rss - begun


def alone(function: Callable[[], T]) -> T:
    """What a function returns in a process of its own: the allocator is the whole process's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function).result()


def test_layers_find_the_memory_of_those_before_them() -> None:
    assert alone(faults_of_layers) < 2 * LAYER // PAGE, "of sixty layers"


def test_unloading_gives_memory_back() -> None:
    kept, released = alone(kept_and_released)
    assert kept > 6 * LAYER
    assert released < LAYER
