"""A CUDA device guard that does nothing, which a build of torch without CUDA lacks."""

import ctypes
import sys
from functools import cache
from pathlib import Path

import torch

CUDA, META = 1, 14
"""`c10::DeviceType`, see c10/core/DeviceType.h."""

REGISTRY = "_ZN3c104impl26device_guard_impl_registryE"
REGISTER = "_ZN3c104impl19registerDeviceGuardENS_10DeviceTypeEPKNS0_24DeviceGuardImplInterfaceE"


@cache
def register_cuda_guard() -> None:
    """Have torch take the meta device's guard, which does nothing, for CUDA's too.

    Without a guard, tensors that claim to be on a card can't be indexed. It stays for as long as
    the process.

    Raises:
        OSError: The library isn't laid out like that of Linux or macOS.
    """
    if torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
        torch._C._ensureCUDADeviceGuardSet()
        return
    if sys.platform == "win32":
        raise OSError("torch's library has other names on Windows")
    [file] = (Path(torch.__file__).parent / "lib").glob("libc10.*")
    library = ctypes.CDLL(str(file))
    registry = (ctypes.c_void_p * (META + 1)).in_dll(library, REGISTRY)
    register = getattr(library, REGISTER)
    register.argtypes = (ctypes.c_int8, ctypes.c_void_p)
    register.restype = None
    register(CUDA, registry[META])
