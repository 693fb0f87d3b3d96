"""All that was measured, of every model: what the next plan is made with."""

from collections.abc import Iterable, Iterator

from engine.memory.profile import Measurement

Key = tuple[object, ...]


class ProfileStore:
    """The latest measurement of each stage, per model, device, plan, size and batch.

    Written by the painter's thread, read by whoever loads; single entries, so nothing is locked.
    """

    def __init__(self, known: Iterable[Measurement] = ()) -> None:
        self._entries: dict[Key, Measurement] = {}
        for measurement in known:
            self.add(measurement)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, measurement: Measurement) -> None:
        """Take it in, over what was measured of the same before."""
        m = measurement
        key = (m.model, m.device, m.plan_key, m.stage, m.width, m.height, m.batch, m.failed)
        self._entries[key] = m

    def __iter__(self) -> Iterator[Measurement]:
        """All of them, as they are now."""
        return iter(list(self._entries.values()))

    def forget(self, model: str) -> None:
        """Forget what was measured of a model."""
        for key in [key for key, entry in list(self._entries.items()) if entry.model == model]:
            del self._entries[key]
