"""A plan as rows for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.memory.case import Case
from engine.memory.plan import Place, Plan, Residence, Stage
from engine.memory.planner import Choice, choose
from engine.memory.sizes import in_words

STAGES: Mapping[Stage, str] = {
    Stage.ENCODE: "reading the prompt",
    Stage.STEP: "a step",
    Stage.DECODE: "decoding",
}


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One component: its name, its size as loaded, and where it lives."""

    name: str
    size: str
    lives: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable:
    """Everything that `models plan` tells.

    Attributes:
        summary: The plan in a sentence.
        components: A row for each component.
        peaks: Expected bytes on the device by stage, in words.
        peak: The largest of them, and what the device has, in a sentence.
        slowdown: Expected time relative to everything resident, in words.
        passed_over: Faster plans in words, with their slowdown and why each was passed over.
        problem: Why the plan will probably not run; `None` when it fits.
        notes: What else the owner should know.
    """

    summary: str
    components: tuple[ComponentRow, ...]
    peaks: tuple[tuple[str, str], ...]
    peak: str
    slowdown: str
    passed_over: tuple[tuple[str, str, str], ...]
    problem: str | None
    notes: tuple[str, ...]


def tabulate(case: Case, choice: Choice | None = None) -> PlanTable:
    """The table of what the planner chose for `case`."""
    choice = choice or choose(case)
    plan = choice.plan
    peaks = plan.peaks
    free = in_words(case.device.usable_bytes)
    return PlanTable(
        summary=f"{describe(plan)}, in batches of up to {plan.batch}"
        if plan.batch > 1
        else describe(plan),
        components=tuple(
            ComponentRow(name, in_words(place.weight_bytes), _lives(place))
            for name, place in plan.places.items()
        ),
        peaks=tuple((words, in_words(peaks[stage])) for stage, words in STAGES.items()),
        peak=f"{in_words(plan.peak_bytes)} of {free} that are free on {case.device.name}",
        slowdown=times(plan.slowdown),
        passed_over=tuple(
            (describe(verdict.plan, batch=True), times(verdict.plan.slowdown), verdict.reason)
            for verdict in choice.passed_over
        ),
        problem=choice.problem,
        notes=(*choice.notes, *_remarks(plan)),
    )


def describe(plan: Plan, *, batch: bool = False) -> str:
    """A plan in words, such as “text_encoder visits, transformer streams, in tiles of 512”."""
    moving = [
        (name, place)
        for name, place in plan.places.items()
        if place.residence is not Residence.STAYS
    ]
    if not moving:
        words = ["everything stays"]
    elif all(place.layer_by_layer for _, place in moving):
        words = ["layer by layer"]
    else:
        words = _grouped({name: str(place.residence) for name, place in moving})
    words += _grouped(
        {name: f"as {p.quantization}" for name, p in plan.places.items() if p.quantization}
    )
    if plan.vae_tiling:
        words.append(f"decoded in tiles of {plan.tile_side}")
    if batch and plan.batch > 1:
        words.append(f"batches of {plan.batch}")
    return ", ".join(words)


def times(slowdown: float) -> str:
    """A slowdown in words, such as “1.27 ×”."""
    return f"{slowdown:.2f} ×"


def _grouped(said: Mapping[str, str]) -> list[str]:
    """`name verb` for each, names of the same verb together."""
    verbs: dict[str, list[str]] = {}
    for name, verb in said.items():
        verbs.setdefault(verb, []).append(name)
    return [f"{_and(names)} {_plural(verb, len(names))}" for verb, names in verbs.items()]


def _plural(verb: str, count: int) -> str:
    return verb.removesuffix("s") if count > 1 and not verb.startswith("as ") else verb


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _lives(place: Place) -> str:
    """Where a component lives, in words."""
    match place.residence:
        case Residence.STAYS:
            words = "on the device"
        case Residence.VISITS:
            words = "in RAM, comes when called"
        case Residence.STREAMS if place.layer_by_layer:
            words = "in RAM, comes layer by layer"
        case Residence.STREAMS:
            words = f"in RAM, comes block by block, {in_words(place.resident_bytes)} at a time"
    return f"{words}, as {place.quantization}" if place.quantization else words


def _remarks(plan: Plan) -> Sequence[str]:
    """What follows from the plan and does not show in its rows."""
    remarks = []
    if plan.vae_float32:
        remarks.append(
            "This VAE overflows in float16 and decodes in float32, which takes twice the memory: "
            "an fp16-safe VAE (its config says force_upcast: false) would not."
        )
    if plan.changes_picture:
        remarks.append("Quantized weights change the picture a little.")
    return remarks
