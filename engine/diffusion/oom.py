"""Recognizes errors that mean memory ran out: the device's, or RAM."""

import errno
from collections.abc import Iterator

import torch

from engine.diffusion.overflow import NumbersOverflowed
from engine.errors import AtelierError

OOM_MESSAGES = (
    "out of memory",
    "outofmemory",  # hipErrorOutOfMemory, and Metal's command buffers
    "out_of_device_memory",
    "out_of_resources",
    "alloc_failed",  # CUBLAS_, CUDNN_ and HIPBLAS_STATUS_
    "allocfailed",  # miopenStatus
    "allocation_failed",
    "rocblas_status_memory_error",
    "cublas_status_not_initialized",  # their handles take memory
    "hipblas_status_not_initialized",
    "cudnn_status_not_initialized",
    "unable to find an engine to execute",  # each of cuDNN's needs a workspace
    "unable to find a valid cudnn algorithm",
    "nvml_success == r",  # torch asks NVML about the process, but only to say what is full
    "invalid buffer size",  # Metal
)
"""In the errors of libraries, drivers and devices that aren't torch's own, in lower case. Examples:
Nerogar/OneTrainer#274, QwenLM/Qwen3-VL#151, ROCm/TheRock#1708 and pytorch/pytorch#141909 on GitHub.
"""

RAM_MESSAGES = (
    "defaultcpuallocator",
    "not enough memory",
    "cannot allocate memory",
    "out_of_host_memory",
    "host_allocation_failed",
    "paging file is too small",
)
"""The same for RAM."""

WINDOWS_PAGING_FILE = 1455


class InitImageOutOfMemory(torch.OutOfMemoryError):
    """Memory ran out while the VAE encoded the init image."""


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory ran out, the device's or RAM."""
    return out_of_ram(error) or any(
        isinstance(one, torch.OutOfMemoryError) or _says(one, OOM_MESSAGES) for one in _chain(error)
    )


def out_of_ram(error: BaseException) -> bool:
    """Whether `error` means that RAM ran out."""
    return any(
        isinstance(one, MemoryError)
        or (isinstance(one, OSError) and one.errno == errno.ENOMEM)
        or getattr(one, "winerror", None) == WINDOWS_PAGING_FILE
        or _says(one, RAM_MESSAGES)
        for one in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it wraps, as Diffusers does when it reads a file."""
    one: BaseException | None = error
    while one is not None and not isinstance(one, AtelierError):
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _says(error: BaseException, messages: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(each in text for each in messages)


def drop_tracebacks(error: Exception) -> Exception:
    """The error; if another plan may help, it no longer holds the tensors of its frames."""
    helps = out_of_memory(error) or isinstance(error, NumbersOverflowed)
    cause: BaseException | None = error if helps else None
    while cause is not None:
        cause.with_traceback(None)
        cause = cause.__cause__ or cause.__context__
    return error
