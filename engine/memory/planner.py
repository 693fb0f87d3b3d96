"""Which plan: the fastest that fits, and why nothing faster."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.memory.plan import Plan, Quantization, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import QUANTIZATION_METHODS, why_unsupported
from engine.memory.search import candidates, ranked
from engine.memory.sizes import in_words
from speech import phrase, say

NEEDS = {
    Stage.LOAD: phrase("needs {needed} to load; only {free} free"),
    Stage.ENCODE: phrase("needs {needed} to encode the prompt; only {free} free"),
    Stage.STEP: phrase("needs {needed} to denoise; only {free} free"),
    Stage.DECODE: phrase("needs {needed} to decode; only {free} free"),
}
FAILED = {
    Stage.LOAD: phrase("has run out of memory here while loading"),
    Stage.ENCODE: phrase("has run out of memory here while encoding the prompt"),
    Stage.STEP: phrase("has run out of memory here while denoising"),
    Stage.DECODE: phrase("has run out of memory here while decoding"),
}


@dataclass(frozen=True, slots=True)
class RejectedPlan:
    """A plan that would be faster than the chosen one, and why it was passed over."""

    plan: Plan
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the planner chose.

    Attributes:
        plan: The fastest plan that fits; when none fits, the one that needs least.
        problem: Why that one will probably not run, in a sentence; `None` when it fits.
        passed_over: The faster plans, the fastest first, each needing less than those before it.
        notes: Wishes that this device cannot meet, in sentences.
    """

    plan: Plan
    problem: str | None
    passed_over: tuple[RejectedPlan, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the plan is expected to run."""
        return self.problem is None


def plans(case: PlanRequest) -> list[Plan]:
    """The plans worth looking at, the fastest first, whether they fit or not.

    One that is slower than another and needs as much is left out.
    """
    return list(_frontier(candidates(case, case.device.usable_bytes)))


def choose(case: PlanRequest) -> Choice:
    """The fastest plan that fits, and why each faster one was passed over."""
    found = candidates(case, case.device.usable_bytes)
    chosen = next((plan for plan in found if why_rejected(case, plan) is None), None)
    plan = chosen or min(found, key=lambda plan: (plan.peak_bytes, plan.ram_bytes))
    faster = found[: found.index(plan)] if chosen else []
    shown = {p.key: p for p in reversed(list(_frontier(faster)))}.values()
    verdicts = [RejectedPlan(p, why_rejected(case, p) or "") for p in reversed(shown)]
    verdicts += _not_allowed(case, plan)
    return Choice(
        plan=plan,
        problem=None if chosen else _problem(case, plan),
        passed_over=tuple(sorted(verdicts, key=lambda verdict: verdict.plan.slowdown)),
        notes=tuple(_notes(case)),
    )


def why_rejected(case: PlanRequest, plan: Plan) -> str | None:
    """Why `plan` should not be run on this device; `None` when nothing speaks against it."""
    usable = case.device.usable_bytes
    if plan.peak_bytes > usable:
        peaks = plan.peaks
        stage = max(peaks, key=lambda stage: peaks[stage])
        return say(NEEDS[stage], needed=in_words(peaks[stage]), free=in_words(usable))
    if plan.ram_bytes > case.device.ram_free_bytes:
        return say(
            "needs {needed} of RAM; only {free} free",
            needed=in_words(plan.ram_bytes),
            free=in_words(case.device.ram_free_bytes),
        )
    if failure := case.profile.failure(plan, case.width, case.height, usable):
        return say(FAILED[failure.stage])
    best = case.profile.best_batch(plan.key, case.width, case.height, case.batch)
    if best < plan.batch:
        return say("is hardly faster per picture than a batch of {best}", best=best)
    return None


def _frontier(found: Iterable[Plan]) -> Iterable[Plan]:
    """Those of `found` that need less than all faster ones."""
    least = None
    for plan in found:
        if least is None or plan.peak_bytes < least:
            least = plan.peak_bytes
            yield plan


def _problem(case: PlanRequest, plan: Plan) -> str:
    lacking = why_rejected(case, plan)
    plain = replace(case.memory_options, quantize="never", quantize_text_encoder="never")
    if plain != case.memory_options and choose(replace(case, memory_options=plain)).fits:
        return say(
            "No plan fits. Even the leanest {obstacle}. Unquantized weights can be streamed: "
            "without [engine] quantize, a plan fits.",
            obstacle=lacking,
        )
    return say("No plan fits. Even the leanest {obstacle}.", obstacle=lacking)


def _not_allowed(case: PlanRequest, chosen: Plan) -> Iterable[RejectedPlan]:
    """What quantizing the denoiser would bring that is not allowed or not possible here."""
    quantizable = any(denoiser.stored_as is None for denoiser in case.denoisers)
    if case.memory_options.quantize != "never" or not quantizable or chosen.slowdown <= 1:
        return
    usable, fastest = case.device.usable_bytes, chosen.slowdown
    for way in QUANTIZATION_METHODS:
        if case.device.kind not in QUANTIZATION_METHODS[way].kinds:
            continue
        found = ranked(case, usable, [way], [None], [chosen.batch])
        best = next((plan for plan in found if plan.peak_bytes <= usable), None)
        if best and best.slowdown < fastest:
            allow = say(
                "changes the picture slightly; [engine] quantize = “{way}” allows it", way=str(way)
            )
            refused = why_unsupported(way, case.device)
            fastest = fastest if refused else best.slowdown
            yield RejectedPlan(best, refused or allow)


def _notes(case: PlanRequest) -> Iterable[str]:
    device, memory_options = case.device, case.memory_options
    for what, wish in (
        ("quantize", memory_options.quantize),
        ("quantize_text_encoder", memory_options.quantize_text_encoder),
    ):
        if wish == Quantization.GGUF:
            yield say(
                "[engine] {setting}: GGUF weights come from a GGUF file, not from this setting.",
                setting=what,
            )
        elif wish in QUANTIZATION_METHODS and (
            reason := why_unsupported(Quantization(wish), device)
        ):
            yield say("[engine] {setting} is ignored: {reason}.", setting=what, reason=reason)
    if case.dtype == "bfloat16" and not device.bf16:
        yield say(
            "{device} has no bfloat16, so every step is slow. “auto” uses what it supports.",
            device=device.name,
        )
    elif case.dtype == "float16" and case.family.dtype == "bfloat16" and not device.bf16:
        yield say(
            "{device} has no bfloat16, which {family} is made for, so float16 is used. If "
            "pictures come out black, set dtype to “float32”.",
            device=device.name,
            family=case.family.label,
        )
