"""When memory runs out, in all the ways in which that is said."""

import torch

OOM_MESSAGES = ("out of memory", "alloc_failed", "not enough memory")
"""What CUDA's libraries, drivers and other devices say instead of raising torch's own error."""


class InitImageOutOfMemory(torch.OutOfMemoryError):
    """Memory ran out while the VAE read the picture to start from."""


def out_of_memory(error: BaseException) -> bool:
    """Whether there was no room."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(saying in said for saying in OOM_MESSAGES)


def drop_tracebacks(error: Exception) -> Exception:
    """The error, which no longer keeps the tensors of its frames where memory has run out."""
    cause: BaseException | None = error if out_of_memory(error) else None
    while cause is not None:
        cause.with_traceback(None)
        cause = cause.__cause__ or cause.__context__
    return error
