"""What to try after the device ran out of memory, and what size would fit.

Every fallback needs less at the stage that failed and no more at any other, so the fallbacks come
to an end, however wrong the estimates are.
"""

from collections.abc import Iterable
from dataclasses import replace

from engine.memory.placement import working_bytes
from engine.memory.plan import MemoryOptions, Plan, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import why_unfit
from engine.memory.search import altered, candidates, tile_sides

LESS = 0.9
"""A fallback should need at most this share of what failed; the last resort is anything less."""
FILL = 0.75
"""What is streamed keeps as many blocks resident as this share of what failed would hold."""


def next_plan(request: PlanRequest, plan: Plan, stage: Stage) -> Plan | None:
    """The plan to try after `plan` ran out of memory at `stage`; `None` at the bottom.

    First what leaves the weights where they are: a smaller batch for a step, or (smaller) tiles for
    the VAE. Then the fastest plan that needs less and should fit. Then the one that needs least.
    If the owner's settings allow none, the planner's own choices are tried, except for
    quantization.

    Args:
        request: What was planned, with its measurements. Add the failure to them, so that plans
            that would fail too are passed over, now and later.
        plan: What failed.
        stage: Where it failed. If the plan expects nothing there (loading, with nothing resident),
            the stage that needs most has to need less.
    """
    # What was measured since the plan was made holds for every plan, except where this one failed.
    now = working_bytes(request, tile_side=plan.tile_side, batch=plan.batch)
    plan = replace(plan, working={**now, stage: plan.working[stage]})
    if (smaller := _smaller(request, plan, stage)) is not None:
        return smaller
    if not plan.weights[stage] + plan.working[stage]:
        stage = max(plan.peaks, key=plan.peaks.__getitem__)
    planners_choice = replace(
        request.memory_options,
        offload=MemoryOptions().offload,
        vae_tiling=request.memory_options.vae_tiling or None,
    )
    for memory_options in (request.memory_options, planners_choice):
        found = _leaner(
            replace(request, memory_options=memory_options, batch=plan.batch), plan, stage
        )
        if chosen := _pick(request, found, plan.peaks[stage], stage):
            return chosen
    return None


def largest_size_that_fits(request: PlanRequest) -> tuple[int, int] | None:
    """The largest size of the same proportions, at most the one asked for, that some plan fits.

    For the message to a member whose picture fits under no plan. `None` if nothing fits down to a
    quarter of the family's native side.
    """
    multiple = request.family.multiple_of
    longer = max(request.width, request.height)
    side = longer // multiple * multiple
    while side >= request.family.side // 4:
        width, height = (
            max(multiple, round(length * side / longer / multiple) * multiple)
            for length in (request.width, request.height)
        )
        smaller = replace(request, width=width, height=height, batch=1)
        if any(
            why_unfit(smaller, plan) is None
            for plan in candidates(smaller, request.device.usable_bytes)
        ):
            return width, height
        side -= max(multiple, request.family.side // 16 // multiple * multiple)
    return None


def _smaller(request: PlanRequest, plan: Plan, stage: Stage) -> Plan | None:
    """`plan` with all weights where they are: half the batch for a step, tiles for decoding."""
    changes = []
    if stage is Stage.STEP and plan.batch > 1:
        changes = [(plan.batch // 2, plan.tile_side)]
    elif stage is Stage.DECODE:
        sides = (side for side in tile_sides(request) if side)
        changes = [(plan.batch, s) for s in sides if not plan.tile_side or s < plan.tile_side]
    for batch, side in changes:
        changed = altered(request, plan, batch=batch, tile_side=side)
        if _needs_less(changed.peaks, plan.peaks, stage):
            return changed
    return None


def _leaner(request: PlanRequest, plan: Plan, stage: Stage) -> list[Plan]:
    """Plans that need less than `plan` at `stage` and no more elsewhere, the fastest first.

    Streaming is laid out for several sizes, down to the least.
    """
    failed = plan.peaks
    sizes = (int(FILL * failed[stage]), int(FILL**2 * failed[stage]), 0)
    found = (
        candidate
        for usable in sizes
        for candidate in candidates(request, min(usable, request.device.usable_bytes))
    )
    return [p for p in found if _needs_less(p.peaks, failed, stage)]


def _needs_less(peaks: dict[Stage, int], failed: dict[Stage, int], stage: Stage) -> bool:
    return peaks[stage] < failed[stage] and all(peaks[s] <= failed[s] for s in failed)


def _pick(request: PlanRequest, found: Iterable[Plan], failed: int, stage: Stage) -> Plan | None:
    """The fastest plan that needs clearly less and should fit, or else the one that needs least."""
    leaner = list(found)
    for plan in sorted(leaner, key=lambda plan: plan.slowdown):
        if plan.peaks[stage] <= LESS * failed and why_unfit(request, plan) is None:
            return plan
    return min(leaner, key=lambda plan: (plan.peaks[stage], plan.slowdown), default=None)
