"""Chooses the fastest plan that fits, and says why no faster one was chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.memory.plan import Offload, Plan, Quantization, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.quantization import QUANTIZATION_METHODS, matmul_methods, why_unsupported
from engine.memory.search import candidates, ranked
from engine.sizes import human_size
from speech import AND, join_list, phrase, say

TOO_LARGE = {
    Stage.LOAD: phrase("needs {needed} to load; only {free} free"),
    Stage.ENCODE: phrase("needs {needed} to encode the prompt; only {free} free"),
    Stage.STEP: phrase("needs {needed} to denoise; only {free} free"),
    Stage.DECODE: phrase("needs {needed} to decode; only {free} free"),
}
FAILED_BEFORE = {
    Stage.LOAD: phrase("has run out of memory here while loading"),
    Stage.ENCODE: phrase("has run out of memory here while encoding the prompt"),
    Stage.STEP: phrase("has run out of memory here while denoising"),
    Stage.DECODE: phrase("has run out of memory here while decoding"),
}

KEPT = frozenset({Offload.AUTO, Offload.RESIDENT})
"""Settings that a device without memory of its own honours, too."""


@dataclass(frozen=True, slots=True)
class RejectedPlan:
    """A plan that would be faster than the chosen one, and why it was rejected."""

    plan: Plan
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the planner chose.

    Attributes:
        plan: The fastest plan that fits; if none fits, the one that needs least.
        problem: Why that one will probably fail, in a sentence; `None` if it fits.
        passed_over: The faster plans, the fastest first, each needing less than those before it.
        notes: Settings that this device can't honour, in sentences.
    """

    plan: Plan
    problem: str | None
    passed_over: tuple[RejectedPlan, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the plan is expected to run."""
        return self.problem is None


def plans(request: PlanRequest) -> list[Plan]:
    """The plans worth considering, the fastest first, whether they fit or not.

    A plan that is slower than another and needs as much is left out.
    """
    return list(_frontier(candidates(request, request.device.usable_bytes)))


def choose(request: PlanRequest) -> Choice:
    """The fastest plan that fits, and why each faster one was rejected."""
    found = candidates(request, request.device.usable_bytes)
    chosen = next((plan for plan in found if why_rejected(request, plan) is None), None)
    plan = chosen or _nearest(request, found)
    faster = found[: found.index(plan)] if chosen else []
    shown = {p.key: p for p in reversed(list(_frontier(faster)))}.values()
    rejected = [RejectedPlan(p, why_rejected(request, p) or "") for p in reversed(shown)]
    rejected += _not_allowed(request, plan)
    return Choice(
        plan=plan,
        problem=None if chosen else _problem(request, plan),
        passed_over=tuple(sorted(rejected, key=lambda one: one.plan.slowdown)),
        notes=tuple(_notes(request)),
    )


def _nearest(request: PlanRequest, found: Sequence[Plan]) -> Plan:
    """Of plans that don't fit the fastest that only lacks RAM, or the one that needs least.

    Where weights live on the device doesn't change how much RAM they take.
    """
    for plan in found:
        if why_unfit(request, plan) is None:
            return plan
    return min(found, key=lambda plan: (plan.peak_bytes, plan.ram_bytes))


def why_rejected(request: PlanRequest, plan: Plan) -> str | None:
    """Why `plan` shouldn't be run here; `None` if it may."""
    return why_unfit(request, plan) or why_short_of_ram(request, plan)


def why_short_of_ram(request: PlanRequest, plan: Plan) -> str | None:
    """Why `plan` needs more RAM than there is; `None` if there is enough."""
    if plan.ram_bytes <= request.device.ram_free_bytes:
        return None
    return say(
        "needs {needed} of RAM; only {free} free",
        needed=human_size(plan.ram_bytes),
        free=human_size(request.device.ram_free_bytes),
    )


def why_unfit(request: PlanRequest, plan: Plan) -> str | None:
    """Why `plan` shouldn't be run on this device, however much RAM there is; `None` if it may."""
    usable = request.device.usable_bytes
    if plan.peak_bytes > usable:
        peaks = plan.peaks
        stage = max(peaks, key=lambda stage: peaks[stage])
        return say(TOO_LARGE[stage], needed=human_size(peaks[stage]), free=human_size(usable))
    if failure := request.profile.failure(plan, request.size_at, usable):
        return say(FAILED_BEFORE[failure.stage])
    best = request.profile.best_batch(plan.key, *request.size_at(Stage.STEP), request.batch)
    if best < plan.batch:
        return say("is hardly faster per picture than a batch of {best}", best=best)
    return None


def _frontier(found: Iterable[Plan]) -> Iterable[Plan]:
    """The plans that need less than all faster ones."""
    least = None
    for plan in found:
        if least is None or plan.peak_bytes < least:
            least = plan.peak_bytes
            yield plan


def _problem(request: PlanRequest, plan: Plan) -> str:
    if why_unfit(request, plan) is None:
        return _ram_problem(request, plan)
    reason = why_rejected(request, plan)
    unquantized = replace(request.memory_options, quantize="never", quantize_text_encoder="never")
    without = replace(request, memory_options=unquantized)
    if without != request and choose(without).fits:
        return say(
            "No plan fits. Even the leanest {reason}. Unquantized weights can be streamed: "
            "without [engine] quantize, a plan fits.",
            reason=reason,
        )
    return say("No plan fits. Even the leanest {reason}.", reason=reason)


def _ram_problem(request: PlanRequest, plan: Plan) -> str:
    """Why the RAM is too small, and what would help."""
    needed, free = (human_size(n) for n in (plan.ram_bytes, request.device.ram_free_bytes))
    quantizing = replace(
        request.memory_options, quantize="if_needed", quantize_text_encoder="if_needed"
    )
    fewer_bits = replace(request, memory_options=quantizing)
    if quantizing != request.memory_options and choose(fewer_bits).fits:
        return say(
            "The weights need {needed} of RAM; only {free} free. In fewer bits they fit: set "
            "[engine] quantize and quantize_text_encoder to “if_needed”.",
            needed=needed,
            free=free,
        )
    return say(
        "The weights need {needed} of RAM; only {free} free. Close other programs, or use a "
        "smaller model or a GGUF file.",
        needed=needed,
        free=free,
    )


def _not_allowed(request: PlanRequest, chosen: Plan) -> Iterable[RejectedPlan]:
    """Faster plans that quantize the denoiser, which isn't allowed or not possible here."""
    quantizable = any(denoiser.stored_as is None for denoiser in request.denoisers)
    if request.memory_options.quantize != "never" or not quantizable or chosen.slowdown <= 1:
        return
    usable, fastest = request.device.usable_bytes, chosen.slowdown
    for method in QUANTIZATION_METHODS:
        facts = QUANTIZATION_METHODS[method]
        if facts.activations or request.device.kind not in facts.kinds:
            continue
        found = ranked(request, usable, [method], [None], [chosen.batch])
        best = next((plan for plan in found if plan.peak_bytes <= usable), None)
        if best and best.slowdown < fastest:
            allow = say(
                "changes the picture slightly; [engine] quantize = “{method}” allows it",
                method=str(method),
            )
            unsupported = why_unsupported(method, request.device)
            fastest = fastest if unsupported else best.slowdown
            yield RejectedPlan(best, unsupported or allow)


def _notes(request: PlanRequest) -> Iterable[str]:
    device, memory_options = request.device, request.memory_options
    for name, setting in (
        ("quantize", memory_options.quantize),
        ("quantize_text_encoder", memory_options.quantize_text_encoder),
    ):
        if setting == Quantization.GGUF:
            yield say(
                "[engine] {setting}: GGUF weights come from a GGUF file, not from this setting.",
                setting=name,
            )
        elif setting in QUANTIZATION_METHODS and (
            reason := why_unsupported(Quantization(setting), device)
        ):
            yield say("[engine] {setting} is ignored: {reason}.", setting=name, reason=reason)
    if memory_options.offload not in KEPT and not device.has_own_memory:
        yield say(
            "[engine] offload is ignored: the memory of {device} is RAM, so moving weights there "
            "would save none.",
            device=device.name,
        )
    if memory_options.multiplies_quantized and not matmul_methods(device):
        yield say(
            "[engine] speed = “{speed}”: matrices are multiplied as usual, since {reason}.",
            speed=memory_options.speed,
            reason=why_unsupported(Quantization.INT8_MATMUL, device),
        )
    if request.dtype == "bfloat16" and not device.bf16:
        yield say(
            "{device} has no bfloat16, so every step is slow. “auto” uses what it supports.",
            device=device.name,
        )
    elif request.dtype == "float16" and request.family.dtype == "bfloat16" and not device.bf16:
        yield say(
            "{device} has no bfloat16, which {family} is made for, so float16 is used.",
            device=device.name,
            family=request.family.label,
        )
    if overflowed := request.profile.overflowed(Stage.STEP):
        yield say(
            "With this model {device} has painted black in {types}, so it computes in {dtype}.",
            device=device.name,
            types=join_list(sorted(overflowed), AND),
            dtype=request.dtype,
        )
    elif request.dtype == "float32" != memory_options.dtype and device.kind != "cpu":
        yield say(
            "In half precision {device} would paint black with this model, so it computes in "
            "float32: twice the memory, and slower.",
            device=device.name,
        )
