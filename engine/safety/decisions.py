"""What is kept of the classifier's decisions, and how a new picture gets one."""

from collections.abc import Sequence
from dataclasses import replace

from engine.errors import UnknownJob
from engine.jobs.job import Parent
from engine.jobs.request import Recipe
from engine.safety.checker import SafetyChecker
from engine.safety.verdict import SafetyVerdict
from engine.store import JobTable, SafetyTable
from engine.worker.messages import Pixels


class SafetyDecisions:
    """The decisions about pictures: made once, kept with them, and overruled by who may."""

    def __init__(self, table: SafetyTable, jobs: JobTable, judge: SafetyChecker | None) -> None:
        self._table = table
        self._jobs = jobs
        self._judge = judge

    @property
    def judges(self) -> bool:
        """Whether new pictures are judged at all."""
        return self._judge is not None

    async def on(
        self, recipe: Recipe, parent: Parent | None, pictures: Sequence[Pixels]
    ) -> tuple[SafetyVerdict, ...]:
        """The verdicts on the new pictures of a job; none where nothing judges.

        An enlarged copy has that of the picture which it came from.

        Raises:
            LeftUnjudged: When the program ends before.
        """
        inherited = await self._inherited(recipe, parent)
        if inherited is not None:
            return (inherited,)
        return () if self._judge is None else await self._judge.judge(pictures)

    async def _inherited(self, recipe: Recipe, parent: Parent | None) -> SafetyVerdict | None:
        if recipe.enlarged == 1 or parent is None:
            return None
        try:
            source = (await self._jobs.get(parent.job_id)).recipe
        except UnknownJob:
            return None
        verdicts = await self._table.of(parent.job_id)
        if not parent.number < len(verdicts):
            return None
        seed = source.seeds[parent.number]
        copy = replace(source, seed=seed, count=1, enlarged=recipe.enlarged)
        return verdicts[parent.number] if copy == recipe else None

    async def of(self, job_id: int) -> tuple[SafetyVerdict, ...]:
        """The verdicts on the pictures of a job, in their order; none if nothing judged them."""
        return await self._table.of(job_id)

    async def several(self, job_ids: Sequence[int]) -> dict[int, tuple[SafetyVerdict, ...]]:
        """The same for several jobs at once; those without verdicts are not in it."""
        return await self._table.several(job_ids)

    async def release(self, job_id: int) -> bool:
        """Let all pictures of a job be shown from now on; whether one was objected to until now.

        The job is in `Studio.undelivered` again, or its grid in `Grids.undelivered`,
        until its outcome is shown anew.
        """
        return await self._table.release(job_id)

    def leave(self) -> None:
        """Judge nothing more."""
        if self._judge is not None:
            self._judge.leave()
