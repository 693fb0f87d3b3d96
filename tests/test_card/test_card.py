"""The card that is not there is as strict as one that is."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.card import Card, DeviceMix, DtypeMix, as_card_tensors, plugged_in
from tests.card.allocator import MIB, CachingAllocator


@pytest.fixture
def plugged(card: Card) -> Iterator[Card]:
    with plugged_in(card), torch.inference_mode():
        yield card


@pytest.mark.usefixtures("plugged")
def test_tensors_of_two_devices_or_dtypes_do_not_mix() -> None:
    here, there = torch.ones(2, 2), torch.ones(2, 2, device="cuda")
    with pytest.raises(DeviceMix):
        here + there
    with pytest.raises(DeviceMix):
        nn.functional.conv1d(there[None], here[None])
    with pytest.raises(DtypeMix):
        there @ there.half()
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()
    assert (there * torch.tensor(2.0)).cpu().tolist() == [[2, 2], [2, 2]]


def test_weights_go_to_the_card_and_their_room_comes_back(plugged: Card) -> None:
    layer = nn.Linear(1024, 1024, bias=False)
    as_card_tensors(layer, plugged)
    copy = layer.weight.data.to("cuda")
    assert plugged.allocator.allocated == layer.weight.nbytes == 4 * MIB
    view = copy[:2].T
    del copy
    assert plugged.allocator.allocated == 4 * MIB, "a view keeps its storage"
    del view
    assert plugged.allocator.allocated == 0


@pytest.mark.usefixtures("plugged")
def test_a_full_card_says_so() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate 1000 MiB"):
        torch.empty(1000 * MIB, dtype=torch.uint8, device="cuda")


@pytest.mark.parametrize("expandable", [False, True])
def test_a_cache_in_pieces_is_too_small_unless_segments_expand(expandable: bool) -> None:
    allocator = CachingAllocator(60 * MIB, expandable=expandable)
    blocks = [allocator.allocate(10 * MIB) for _ in range(6)]
    for block in blocks[::2]:
        allocator.release(block)
    if expandable:
        allocator.allocate(30 * MIB)
        return
    allocator.allocate(10 * MIB)
    pieces = CachingAllocator(60 * MIB)
    small = [pieces.allocate(9 * MIB) for _ in range(6)]
    for block in small[::2]:
        pieces.release(block)
    with pytest.raises(torch.OutOfMemoryError, match="allocated 27, reserved 60"):
        pieces.allocate(20 * MIB)
    for block in small[1::2]:
        pieces.release(block)
    pieces.allocate(50 * MIB)
    assert pieces.reserved == 50 * MIB, "free segments went back to the card"


def test_small_blocks_share_a_segment() -> None:
    allocator = CachingAllocator(10 * MIB)
    first, second = allocator.allocate(1), allocator.allocate(513)
    assert (first.size, second.size, allocator.reserved) == (512, 1024, 2 * MIB)
    assert first.segment == second.segment
