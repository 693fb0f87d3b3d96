"""The way back up: whether a faster plan may fit after all, once a slower one has run for a while.

Memory that ran out once may have been another program's, and an estimate may be too high.
"""

from engine.memory.plan import Plan, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import choose, why_short_of_ram
from engine.memory.search import candidates

QUIET_JOBS = 20
"""Painted jobs after which a faster plan is tried; each trial that fails doubles it."""

LEAST = 0.5
"""Share of its estimate that a stage may turn out to take; decoding takes a third to a half on the
simulated card (`tests/card`)."""


def higher_plan(request: PlanRequest, plan: Plan) -> Plan | None:
    """A plan to try instead of the slower `plan`, which has worked for a while.

    The fastest that should fit by now; or the next faster one that failed before, or that only an
    estimate speaks against. `None` if there is none.
    """
    best = choose(request)
    if best.fits and _faster(best.plan, plan):
        return best.plan
    found = candidates(request, request.device.usable_bytes)
    higher = [one for one in found if _faster(one, plan) and _may_fit(request, one, plan)]
    return max(higher, key=lambda one: (one.slowdown, -one.batch), default=None)


def _faster(one: Plan, other: Plan) -> bool:
    if one.changes_picture != other.changes_picture:
        return False  # a trial isn't a reason to paint differently
    return (one.slowdown, -one.batch) < (other.slowdown, -other.batch)


def _may_fit(request: PlanRequest, plan: Plan, working: Plan) -> bool:
    """Whether no measurement speaks against `plan`, beside a plan that is working."""
    if why_short_of_ram(request, plan) is not None:
        return False
    size = request.size_at(Stage.STEP)
    if plan.batch > request.profile.best_batch(plan.key, *size, request.batch):
        return False
    usable = request.device.usable_bytes
    return all(
        peak <= working.peaks[stage] or plan.weights[stage] + _least(request, plan, stage) <= usable
        for stage, peak in plan.peaks.items()
    )


def _least(request: PlanRequest, plan: Plan, stage: Stage) -> int:
    """Bytes besides weights that a stage takes at least: measured, or a share of the estimate."""
    size = request.size_at(stage)
    measured = request.profile.working(
        stage, plan.dtype_of(stage), plan.tile_side, *size, plan.batch
    )
    return int(LEAST * plan.working[stage]) if measured is None else measured
