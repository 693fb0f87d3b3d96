"""A memory plan as a table for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from engine.memory.device import NO_LIMIT
from engine.memory.plan import ComponentPlacement, Plan, Residence, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import Choice, choose
from engine.models.shortcuts import MIN_STEPS
from engine.sizes import human_size
from speech import AND, join_list, phrase, say, say_many

T = TypeVar("T")

STAGES: Mapping[Stage, str] = {
    Stage.ENCODE: phrase("encoding the prompt"),
    Stage.STEP: phrase("denoising"),
    Stage.DECODE: phrase("decoding"),
}


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One component: its name, its size as loaded, and where it lives, in words."""

    name: str
    size: str
    lives: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable:
    """Everything that `models plan` shows.

    Attributes:
        summary: The plan in a sentence.
        components: A row for each component.
        peaks: Expected bytes on the device by stage, in words.
        peak: The largest of them, and what the device has, in a sentence.
        slowdown: Expected time relative to everything resident, in words.
        passed_over: Faster plans in words, with their slowdown and why each was rejected.
        problem: Why the plan will probably not run; `None` when it fits.
        notes: What else the owner should know.
        ram: How much RAM the weights take, and how much is free, in words.
        disk: How much room the files take, in words; empty if that isn't asked for.
    """

    summary: str
    components: tuple[ComponentRow, ...]
    peaks: tuple[tuple[str, str], ...]
    peak: str
    slowdown: str
    passed_over: tuple[tuple[str, str, str], ...]
    problem: str | None
    notes: tuple[str, ...]
    ram: str = ""
    disk: str = field(default="", compare=False)


def tabulate(request: PlanRequest, choice: Choice | None = None) -> PlanTable:
    """The table of what the planner chose for `request`."""
    choice = choice or choose(request)
    plan = choice.plan
    peaks = plan.peaks
    free = human_size(request.device.usable_bytes)
    return PlanTable(
        summary=say("{plan}, in batches of up to {most}", plan=describe_plan(plan), most=plan.batch)
        if plan.batch > 1
        else describe_plan(plan),
        components=tuple(
            ComponentRow(name, human_size(place.weight_bytes), _location(place))
            for name, place in plan.places.items()
        ),
        peaks=tuple((say(words), human_size(peaks[stage])) for stage, words in STAGES.items()),
        peak=say(
            "{peak} of {free} free on {device}",
            peak=human_size(plan.peak_bytes),
            free=free,
            device=request.device.name,
        ),
        slowdown=times(plan.slowdown),
        passed_over=tuple(
            (
                describe_plan(rejected.plan, batch=True),
                times(rejected.plan.slowdown),
                rejected.reason,
            )
            for rejected in choice.passed_over
        ),
        problem=choice.problem,
        notes=(*choice.notes, *_notes(plan), *_speed_notes(request)),
        ram=_ram(plan, request),
    )


def describe_plan(plan: Plan, *, batch: bool = False) -> str:
    """A plan in words, such as “text_encoder is offloaded, decoded in tiles of 512”."""
    moving = [
        (name, place)
        for name, place in plan.places.items()
        if place.residence is not Residence.RESIDENT
    ]
    if not moving:
        words: list[str] = [say("everything on the device")]
    elif all(place.layer_by_layer for _, place in moving):
        words = [say("streamed layer by layer")]
    else:
        residences = _grouped((name, place.residence) for name, place in moving)
        words = [_movement(names, residence) for residence, names in residences.items()]
    quantized = _grouped((name, p.quantization) for name, p in plan.places.items())
    words += [
        say("{names} quantized as {method}", names=join_list(names, AND), method=str(method))
        for method, names in quantized.items()
        if method is not None
    ]
    if plan.vae_tiling:
        words.append(say("decoded in tiles of {side}", side=plan.tile_side))
    if batch and plan.batch > 1:
        words.append(say("batches of {count}", count=plan.batch))
    return join_list(words)


def times(slowdown: float) -> str:
    """A slowdown in words, such as “1.27 ×”."""
    return f"{slowdown:.2f} ×"


def _ram(plan: Plan, request: PlanRequest) -> str:
    """How much RAM the weights take, in words."""
    needed = human_size(plan.ram_bytes)
    if request.device.ram_free_bytes >= NO_LIMIT:
        return needed
    free = human_size(request.device.ram_free_bytes)
    return say("{needed} of {free} free", needed=needed, free=free)


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[T, list[str]]:
    """The names by what they share."""
    names: dict[T, list[str]] = {}
    for name, shared in pairs:
        names.setdefault(shared, []).append(name)
    return names


def _movement(names: Sequence[str], residence: Residence) -> str:
    """How components that aren't resident are moved."""
    if residence is Residence.OFFLOADED:
        return say_many(
            "{names} is offloaded", "{names} are offloaded", len(names), names=join_list(names, AND)
        )
    return say_many(
        "{names} is streamed", "{names} are streamed", len(names), names=join_list(names, AND)
    )


def _location(place: ComponentPlacement) -> str:
    """Where a component lives, in words."""
    match place.residence:
        case Residence.RESIDENT:
            words = say("on the device")
        case Residence.OFFLOADED:
            words = say("in RAM, loaded when needed")
        case Residence.STREAMED if place.layer_by_layer:
            words = say("in RAM, streamed layer by layer")
        case Residence.STREAMED:
            words = say(
                "in RAM, streamed block by block, {size} at a time",
                size=human_size(place.resident_bytes),
            )
    if place.quantization is None:
        return words
    return say("{place}, quantized as {method}", place=words, method=str(place.quantization))


def _notes(plan: Plan) -> Sequence[str]:
    """What follows from the plan and doesn't show in the table."""
    notes = []
    if plan.vae_float32:
        notes.append(
            say(
                "This VAE overflows in float16, so it decodes in float32 with twice the "
                "memory. An fp16-safe VAE (force_upcast: false in its config) avoids that."
            )
        )
    if plan.changes_picture:
        notes.append(say("Quantized weights change the picture slightly."))
    return notes


def _speed_notes(request: PlanRequest) -> Sequence[str]:
    """What `[engine] speed` costs in fidelity."""
    match request.memory_options.speed:
        case "close":
            return [
                say("Speed “close”: pictures may differ by rounding from those painted exactly.")
            ]
        case "quick":
            return [
                say(
                    "Speed “quick”: pictures of {least} steps or more save about two fifths of the "
                    "work, and differ slightly from those painted exactly.",
                    least=MIN_STEPS,
                )
            ]
    return []
