"""Where a pipeline's components are while they work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Parts:
    """The components of a pipeline, brought to the device when they are used."""

    def __init__(self, pipe: Any, device: torch.device) -> None:
        self.device = device
        self._pipe = pipe
        pipe.to(device)

    @contextmanager
    def use(self, *names: str) -> Iterator[None]:
        """Have these components on the device; names that the pipeline lacks are passed over."""
        yield
