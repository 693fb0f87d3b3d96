"""Memory that ran out, by all of its names."""

import errno

import pytest
import torch

from engine.diffusion.oom import out_of_memory, out_of_ram
from engine.errors import ModelUnavailable

DEVICE = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.OutOfMemoryError("HIP out of memory. Tried to allocate 2.00 MiB."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("HIP error: hipErrorOutOfMemory"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
    RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("CUDA error: HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("miopenStatusAllocFailed"),
    RuntimeError("NVML_SUCCESS == r INTERNAL ASSERT FAILED at CUDACachingAllocator.cpp"),
    RuntimeError("Invalid buffer size: 9.75 GB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 17.9 GB)"),
    RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
]
RAM = [
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    OSError("The paging file is too small for this operation to complete. (os error 1455)"),
]
OTHERS = [
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("shape '[2, 3]' is invalid for input of size 5"),
    OSError(errno.ENOSPC, "No space left on device"),
    ValueError("out of memory"),
    ModelUnavailable("The disk is full."),
]


@pytest.mark.parametrize("error", [*DEVICE, *RAM, *OTHERS], ids=str)
def test_memory_that_ran_out_is_recognized_and_whose_it_was(error: Exception) -> None:
    assert out_of_memory(error) is (error in DEVICE + RAM)
    assert out_of_ram(error) is (error in RAM)


def test_what_diffusers_makes_of_it_still_means_that_memory_ran_out() -> None:
    wrapped = OSError("Unable to load weights from checkpoint file")
    wrapped.__context__ = RAM[1]
    assert out_of_ram(wrapped)
    refused = ModelUnavailable("Use another file.")
    refused.__cause__ = DEVICE[0]
    assert not out_of_memory(refused), "a sentence of our own was chosen on purpose"
