"""Torch's `CUDACachingAllocator` as a model: who asks gets a block of a segment of the card.

Sizes and rules are those of c10/cuda/CUDACachingAllocator.cpp: blocks are rounded to 512 bytes and
found by best fit; up to 1 MiB they come from segments of 2 MiB; below 10 MiB from segments of
20 MiB; larger ones from segments of their own size, rounded to 2 MiB. Free neighbours are merged;
a segment goes back to the card when all of it is free and the cache is emptied.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

import torch

MIB = 2**20
ROUND = 512
SMALL = MIB
SMALL_SEGMENT = 2 * MIB
MIDDLE = 10 * MIB
MIDDLE_SEGMENT = 20 * MIB
LARGE_ROUND = 2 * MIB


@dataclass(eq=False)
class Block:
    """Bytes `start` to `start + size` of a segment; the blocks of a segment form a chain."""

    segment: int
    small: bool
    start: int
    size: int
    free: bool = True
    before: "Block | None" = field(default=None, repr=False)
    after: "Block | None" = field(default=None, repr=False)

    @property
    def is_segment(self) -> bool:
        """Whether it is all of its segment."""
        return self.before is None and self.after is None


class CachingAllocator:
    """The allocator of one process.

    Attributes:
        limit: Bytes that it may reserve of the card.
        allocated: Bytes in use.
        reserved: Bytes taken from the card.
        peak_allocated: The most of `allocated` since `reset_peak`.
        peak_reserved: The most of `reserved` since `reset_peak`.
    """

    def __init__(self, limit: int, *, expandable: bool = False) -> None:
        """Take nothing yet.

        Args:
            limit: Bytes that it may reserve of the card.
            expandable: Whether segments grow and shrink in pages of 2 MiB, as with
                `expandable_segments:True`: nothing is then lost between blocks.
        """
        self.limit = limit
        self.allocated = self.peak_allocated = 0
        self.reserved = self.peak_reserved = 0
        self._expandable = expandable
        self._segments = 0
        self._free: dict[bool, list[tuple[int, int, Block]]] = {True: [], False: []}

    def allocate(self, nbytes: int) -> Block:
        """A block of at least `nbytes`.

        Raises:
            torch.OutOfMemoryError: No segment has room, and the card has none for another.
        """
        size = max(ROUND, -(-nbytes // ROUND) * ROUND)
        block = self._page_block(size) if self._expandable else self._cached_block(size)
        block.free = False
        self.allocated += block.size
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_reserved = max(self.peak_reserved, self.reserved)
        return block

    def release(self, block: Block) -> None:
        """Keep the block for the next one that fits."""
        self.allocated -= block.size
        block.free = True
        if self._expandable:
            return
        for neighbour in (block.before, block.after):
            if neighbour is not None and neighbour.free:
                self._take(neighbour)
                first, second = sorted((block, neighbour), key=lambda one: one.start)
                block = _merged(first, second)
        self._put(block)

    def empty_cache(self) -> None:
        """Give segments back to the card that are free as a whole."""
        if self._expandable:
            self.reserved = _pages(self.allocated)
            return
        for small, entries in self._free.items():
            self.reserved -= sum(block.size for _, _, block in entries if block.is_segment)
            self._free[small] = [entry for entry in entries if not entry[2].is_segment]

    def reset_peak(self) -> None:
        """Count the peaks from here."""
        self.peak_allocated, self.peak_reserved = self.allocated, self.reserved

    def _page_block(self, size: int) -> Block:
        if _pages(self.allocated + size) > self.limit:
            self._fail(size)
        self.reserved = max(self.reserved, _pages(self.allocated + size))
        return self._new_segment(size, small=size <= SMALL)

    def _cached_block(self, size: int) -> Block:
        small = size <= SMALL
        entries = self._free[small]
        at = bisect_left(entries, (size, 0))
        block = entries[at][2] if at < len(entries) else self._reserve(size, small)
        self._take(block)
        rest = block.size - size
        if rest >= ROUND if small else rest > SMALL:
            self._put(_split(block, size))
        return block

    def _reserve(self, size: int, small: bool) -> Block:
        """A new segment, if need be after the cache was emptied."""
        own = MIDDLE_SEGMENT if size < MIDDLE else -(-size // LARGE_ROUND) * LARGE_ROUND
        length = SMALL_SEGMENT if small else own
        if self.reserved + length > self.limit:
            self.empty_cache()
        if self.reserved + length > self.limit:
            self._fail(size)
        self.reserved += length
        block = self._new_segment(length, small)
        self._put(block)
        return block

    def _new_segment(self, length: int, small: bool) -> Block:
        self._segments += 1
        return Block(self._segments, small, 0, length)

    def _put(self, block: Block) -> None:
        insort(self._free[block.small], (block.size, id(block), block))

    def _take(self, block: Block) -> None:
        entries = self._free[block.small]
        entries.pop(bisect_left(entries, (block.size, id(block))))

    def _fail(self, size: int) -> None:
        raise torch.OutOfMemoryError(
            f"CUDA out of memory. Tried to allocate {size / MIB:.0f} MiB; allocated "
            f"{self.allocated / MIB:.0f}, reserved {self.reserved / MIB:.0f}, limit "
            f"{self.limit / MIB:.0f}"
        )


def _pages(nbytes: int) -> int:
    return -(-nbytes // LARGE_ROUND) * LARGE_ROUND


def _split(block: Block, size: int) -> Block:
    """Cut `block` to `size`; returns the rest."""
    rest = Block(block.segment, block.small, block.start + size, block.size - size)
    rest.before, rest.after = block, block.after
    if block.after is not None:
        block.after.before = rest
    block.after, block.size = rest, size
    return rest


def _merged(first: Block, second: Block) -> Block:
    """`first`, with its neighbour `second` in it."""
    first.size += second.size
    first.after = second.after
    if second.after is not None:
        second.after.before = first
    return first
