"""The order in which examples are shown: each once in an epoch, those of one size together.

It follows from the seed and the number of the batch alone, so it needs no checkpoint.
"""

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import lru_cache


def seed_of(*parts: object) -> int:
    """A seed that follows from these, by their texts."""
    return random.Random(" ".join(map(str, parts))).getrandbits(63)


class Order:
    """Batches of examples, by their numbers."""

    def __init__(self, keys: Sequence[Hashable], batch: int, seed: int) -> None:
        """Take which examples can be together: those with equal keys.

        Args:
            keys: Of each example.
            batch: The most in a batch.
            seed: Decides the order.
        """
        self._groups: dict[Hashable, list[int]] = defaultdict(list)
        for number, key in enumerate(keys):
            self._groups[key].append(number)
        self._batch, self._seed = batch, seed
        self._epoch = lru_cache(maxsize=2)(self._shuffled)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return sum(-(-len(group) // self._batch) for group in self._groups.values())

    def __getitem__(self, number: int) -> tuple[int, ...]:
        """The examples of a batch, counted from 0 over all epochs."""
        epoch, place = divmod(number, len(self))
        return self._epoch(epoch)[place]

    def _shuffled(self, epoch: int) -> list[tuple[int, ...]]:
        rng = random.Random(seed_of(self._seed, epoch))
        groups = [rng.sample(group, len(group)) for group in self._groups.values()]
        size = self._batch
        batches = [
            tuple(group[start : start + size])
            for group in groups
            for start in range(0, len(group), size)
        ]
        rng.shuffle(batches)
        return batches
