"""The ladder down: what to try after the device ran out of memory, and what size would fit.

Every rung down needs less at the stage that failed and no more at any other, so the way down ends,
whatever the estimates are worth.
"""

from collections.abc import Iterable
from dataclasses import replace

from engine.memory.plan import MemoryOptions, Plan, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import why_rejected
from engine.memory.search import altered, candidates, tile_sides

LESS = 0.9
"""A rung down should need at most so much of what has failed; any less is the last resort."""
FILL = 0.75
"""What streams keeps so many blocks resident as this share of what has failed would hold."""


def next_plan(case: PlanRequest, plan: Plan, stage: Stage) -> Plan | None:
    """The plan to go on with after `plan` ran out of memory at `stage`; `None` at the bottom.

    What leaves the weights where they are comes first: a smaller batch for a step, the VAE in
    (smaller) tiles; then the fastest of what needs less and should fit; then the leanest of what
    needs less. Where the owner has fixed a rung that
    leads nowhere, the planner's own rungs stand in for it, quantization aside.

    Args:
        case: As it was planned, what was learned included; add the failure to it
            (`Measurement.of` without a peak), so that other plans that would fail too are passed
            over, this time and the next.
        plan: What failed.
        stage: Where. When the plan expects nothing there (loading, with nothing that stays), the
            stage that needs most is made leaner.
    """
    if (lighter := _lighter(case, plan, stage)) is not None:
        return lighter
    if not plan.weights[stage] + plan.working[stage]:
        stage = max(plan.peaks, key=plan.peaks.__getitem__)
    free = replace(
        case.memory_options,
        offload=MemoryOptions().offload,
        vae_tiling=case.memory_options.vae_tiling or None,
        vae_slicing=None,
    )
    for memory_options in (case.memory_options, free):
        found = _leaner(replace(case, memory_options=memory_options, batch=plan.batch), plan, stage)
        if chosen := _pick(case, found, plan.peaks[stage], stage):
            return chosen
    return None


def largest_size_that_fits(case: PlanRequest) -> tuple[int, int] | None:
    """The largest size of the same proportions, at most the one asked for, that some plan fits.

    For the sentence told to a member whose picture fits on no rung. `None` when nothing fits down
    to a quarter of the family's native side.
    """
    multiple = case.family.multiple_of
    longer = max(case.width, case.height)
    side = longer // multiple * multiple
    while side >= case.family.side // 4:
        width, height = (
            max(multiple, round(length * side / longer / multiple) * multiple)
            for length in (case.width, case.height)
        )
        smaller = replace(case, width=width, height=height, batch=1)
        if any(
            why_rejected(smaller, plan) is None
            for plan in candidates(smaller, case.device.usable_bytes)
        ):
            return width, height
        side -= max(multiple, case.family.side // 16 // multiple * multiple)
    return None


def _lighter(case: PlanRequest, plan: Plan, stage: Stage) -> Plan | None:
    """`plan` with all weights where they are: half the batch for a step, tiles to decode."""
    changes = []
    if stage is Stage.STEP and plan.batch > 1:
        changes = [(plan.batch // 2, plan.tile_side)]
    elif stage is Stage.DECODE:
        sides = (side for side in tile_sides(case) if side)
        changes = [(plan.batch, s) for s in sides if not plan.tile_side or s < plan.tile_side]
    for batch, side in changes:
        lighter = altered(case, plan, batch=batch, tile_side=side)
        if _needs_less(lighter.peaks, plan.peaks, stage):
            return lighter
    return None


def _leaner(case: PlanRequest, plan: Plan, stage: Stage) -> list[Plan]:
    """Plans that need less than `plan` at `stage` and no more elsewhere, the fastest first.

    What streams is laid out for several fillings, down to the least.
    """
    failed = plan.peaks
    fillings = (int(FILL * failed[stage]), int(FILL**2 * failed[stage]), 0)
    found = (
        candidate
        for usable in fillings
        for candidate in candidates(case, min(usable, case.device.usable_bytes))
    )
    return [p for p in found if _needs_less(p.peaks, failed, stage)]


def _needs_less(peaks: dict[Stage, int], failed: dict[Stage, int], stage: Stage) -> bool:
    return peaks[stage] < failed[stage] and all(peaks[s] <= failed[s] for s in failed)


def _pick(case: PlanRequest, found: Iterable[Plan], failed: int, stage: Stage) -> Plan | None:
    """The fastest of those that need clearly less and should fit, or else the leanest."""
    leaner = list(found)
    for plan in sorted(leaner, key=lambda plan: plan.slowdown):
        if plan.peaks[stage] <= LESS * failed and why_rejected(case, plan) is None:
            return plan
    return min(leaner, key=lambda plan: (plan.peaks[stage], plan.slowdown), default=None)
