"""What prompts are to the denoiser, remembered: a re-roll never loads the text encoder again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

import torch

Conditioning = Mapping[str, torch.Tensor]
"""What the denoiser is told of one prompt: tensors by name, each with a batch of one."""

CAPACITY = 64
"""Prompts; the embeddings of the largest text encoders take about 10 MB each."""


class EmbeddingCache:
    """The prompts used last, with their embeddings in RAM."""

    def __init__(self, device: torch.device, capacity: int = CAPACITY) -> None:
        """Make an empty cache that answers with tensors on `device`."""
        self._device = device
        self._capacity = capacity
        self._entries: OrderedDict[Hashable, Conditioning] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: Hashable, encode: Callable[[], Conditioning]) -> Conditioning:
        """What stands under `key`, made by `encode` the first time; on the device."""
        if key not in self._entries:
            self._entries[key] = {name: value.cpu() for name, value in encode().items()}
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return {name: value.to(self._device) for name, value in self._entries[key].items()}
