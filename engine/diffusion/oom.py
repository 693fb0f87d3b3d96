"""Recognizes errors that mean memory ran out."""

import torch

OOM_MESSAGES = ("out of memory", "alloc_failed", "not enough memory")
"""In the errors of CUDA's libraries, drivers and other devices that aren't torch's own."""


class InitImageOutOfMemory(torch.OutOfMemoryError):
    """Memory ran out while the VAE encoded the init image."""


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(message in text for message in OOM_MESSAGES)


def drop_tracebacks(error: Exception) -> Exception:
    """The error; if it means that memory ran out, it no longer holds the tensors of its frames."""
    cause: BaseException | None = error if out_of_memory(error) else None
    while cause is not None:
        cause.with_traceback(None)
        cause = cause.__cause__ or cause.__context__
    return error
