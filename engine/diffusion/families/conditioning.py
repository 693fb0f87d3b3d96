"""Encoded prompts, cached: a re-roll never loads the text encoder again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

import torch

Conditioning = Mapping[str, torch.Tensor]
"""One prompt as the denoiser takes it: tensors by name, each with a batch of one.

`embeds` holds the embeddings of its tokens, shape (1, tokens, dim). Other names are the family's.
"""

CAPACITY = 64
"""Prompts; the embeddings of the largest text encoders take about 10 MB each."""


class EmbeddingCache:
    """The most recently used prompts, with their embeddings in RAM."""

    def __init__(self, device: torch.device, capacity: int = CAPACITY) -> None:
        """Make an empty cache that returns tensors on `device`."""
        self._device = device
        self._capacity = capacity
        self._entries: OrderedDict[Hashable, Conditioning] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: Hashable, encode: Callable[[], Conditioning]) -> Conditioning:
        """The entry under `key`, on the device; `encode` makes it on the first call."""
        if key not in self._entries:
            self._entries[key] = {name: value.cpu() for name, value in encode().items()}
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return {name: value.to(self._device) for name, value in self._entries[key].items()}
