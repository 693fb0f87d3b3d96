"""Which samples are stepped together: the decision before each step."""

from collections.abc import Callable, Hashable, Iterable

from engine.devices.messages import BatchPlanned
from engine.diffusion.families import Sample
from engine.diffusion.loader import LoadedModel
from engine.diffusion.running_job import RunningJob


class Batches:
    """Puts the samples of running jobs together, as many as the memory plan allows."""

    def __init__(self, report: Callable[[BatchPlanned], None]) -> None:
        """Call `report` whenever the plan allows another number of pictures."""
        self._report = report
        self._told: BatchPlanned | None = None
        self._last_key: Hashable = None

    def next(self, running_jobs: Iterable[RunningJob], loaded: LoadedModel) -> list[Sample]:
        """The samples to step: batches that can't be merged take turns, older samples go first."""
        groups: dict[Hashable, list[Sample]] = {}
        for running_job in running_jobs:
            for sample in running_job.samples:
                if not sample.done:
                    alone = running_job.job.id if running_job.alone else None
                    key = (alone, loaded.family.batch_key(sample))
                    groups.setdefault(key, []).append(sample)
        keys = list(groups)
        turn = keys.index(self._last_key) + 1 if self._last_key in groups else 0
        self._last_key = keys[turn % len(keys)]
        planned = BatchPlanned(loaded.model.name, loaded.memory.plan.batch)
        if planned != self._told:
            self._told = planned
            self._report(planned)
        return groups[self._last_key][: planned.pictures]
