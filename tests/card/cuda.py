"""What stands where `torch.cuda` asks the driver while a card is plugged in."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl
from transformers.models.qwen3_vl import modeling_qwen3_vl

from engine.diffusion.offload import transfers
from tests.card.card import Card
from tests.card.streams import Event, Stream
from tests.card.tensors import CardTensor


class _Torch:
    """torch, which reads tensors that are in a list below where the card could answer."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def tensor(data: Any, **options: Any) -> torch.Tensor:
        """A tensor of numbers, some of which may be on the card."""
        if isinstance(data, list):
            data = [each.item() if isinstance(each, CardTensor) else each for each in data]
        return torch.tensor(data, **options)


number_of = torch.cuda._utils._get_device_index
"""The number of a card; torch itself refuses one that has none where this stands."""


@contextmanager
def stand_in(card: Card, ram: int) -> Iterator[None]:
    """Have `torch.cuda` speak of `card`, and `psutil` of `ram` bytes free."""
    allocator = card.allocator
    properties = SimpleNamespace(
        name="a card that is not there",
        total_memory=card.total,
        major=card.capability[0],
        minor=card.capability[1],
    )

    @contextmanager
    def on_stream(stream: Stream) -> Iterator[None]:
        before, card.stream = card.stream, stream
        try:
            yield
        finally:
            card.stream = before

    def set_fraction(share: float, device: Any) -> None:
        number_of(device)
        if not 0 <= share <= 1:
            raise ValueError(f"Invalid fraction value: {share}. Allowed range: 0~1")
        allocator.limit = min(int(share * card.total), card.total - card.context)

    answers: dict[str, Any] = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "get_device_properties": lambda device=None: properties,
        "get_device_capability": lambda device=None: card.capability,
        "mem_get_info": lambda device=None: (
            card.total - card.context - allocator.reserved,
            card.total,
        ),
        "memory_reserved": lambda device=None: allocator.reserved,
        "memory_allocated": lambda device=None: allocator.allocated,
        "max_memory_allocated": lambda device=None: allocator.peak_allocated,
        "max_memory_reserved": lambda device=None: allocator.peak_reserved,
        "reset_peak_memory_stats": lambda device=None: allocator.reset_peak(),
        "empty_cache": allocator.empty_cache,
        "set_per_process_memory_fraction": set_fraction,
        "set_device": number_of,
        "current_device": lambda: 0,
        "is_bf16_supported": lambda including_emulation=True: card.capability >= (8, 0),
        "Stream": Stream,
        "Event": Event,
        "current_stream": lambda device=None: card.stream,
        "stream": on_stream,
        "synchronize": lambda device=None: None,
    }
    with pytest.MonkeyPatch.context() as patch:
        for module in (modeling_qwen2_5_vl, modeling_qwen3_vl):
            patch.setattr(module, "torch", _Torch())
        for name, answer in answers.items():
            patch.setattr(torch.cuda, name, answer)
        patch.setattr(torch.accelerator, "empty_host_cache", lambda: None, raising=False)
        patch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=ram, total=ram))
        transfers._stream.cache_clear()
        try:
            yield
        finally:
            transfers._stream.cache_clear()
