"""What is told of models: in lists, in `/model info`, and before one is added."""

from collections.abc import Container
from functools import reduce

from cogs.messages.replies import MAX_MESSAGE_LENGTH
from cogs.requests.choices import about
from engine import (
    FAMILIES,
    Catalogue,
    DiskUsage,
    MeasuredSize,
    Model,
    ModelCandidate,
    ModelDefaults,
    PlanTable,
    Presence,
    human_size,
)
from speech import listed, phrase, resaid, say, say_many, spoken, translation

PRESENCES = {
    Presence.COMPLETE: phrase("on disk"),
    Presence.PARTIAL: phrase("partly downloaded"),
    Presence.ABSENT: phrase("not downloaded"),
    Presence.BROKEN: phrase("incomplete"),
    Presence.NO_FOLDER: phrase("folder not found"),
}
"""What is said of how much of a model is there."""


def listing(models: Catalogue, used: Model, allowed: Container[str] | None) -> str:
    """All models that are allowed, `used` marked; by name alone when they are too many to describe.

    Args:
        models: All there are.
        used: The one that paints where none is named.
        allowed: Names of those that may be used here; `None` for all.
    """
    head = paints_with(used)
    usable = [m for m in models if allowed is None or m.name in allowed]
    barred = [m.name for m in models if m not in usable]
    tail = [say("-# Not allowed here: {names}", names=listed(barred))] if barred else []
    lines = [
        f"{'**→**' if model == used else '•'} **{model.name}** {about(model)}" for model in usable
    ]
    text = "\n".join([head, *lines, *tail])
    if len(text) <= MAX_MESSAGE_LENGTH:
        return text
    others = listed([model.name for model in usable if model != used])
    return say("{sentence} Others: {names}", sentence=head, names=others)


def paints_with(used: Model) -> str:
    """Which model a server paints with."""
    return say("This server uses **{name}**.", name=used.name)


def describe(model: Model, defaults: ModelDefaults) -> str:
    """A few lines on a model, and what its server wants of it."""
    lines = [
        f"**{model.name}** {about(model)}",
        say(
            "Steps {steps} · guidance {guidance:g} · scheduler {scheduler}",
            steps=model.num_inference_steps,
            guidance=model.guidance_scale,
            scheduler=model.scheduler,
        ),
        say(
            "Sizes: {sizes}, or {least} to {most} pixels per side in steps of {step}",
            sizes=listed([f"{size.ratio} {size.width}×{size.height}" for size in model.sizes]),
            least=model.min_side,
            most=model.max_side,
            step=model.multiple_of,
        ),
    ]
    if defaults.chosen:
        lines.insert(2, say("Defaults in this server: {choices}", choices=in_words(defaults)))
    if (licence := model.licence) is not None:
        note = translation(licence.note, spoken()) or licence.note
        lines.append(say("Licence: {name}, {note}", name=licence.name, note=note))
    return "\n".join(lines)


def in_words(defaults: ModelDefaults) -> str:
    """What was decided, such as “8 steps · guidance 2”; nothing if nothing was."""
    parts: list[str] = []
    if defaults.num_inference_steps is not None:
        parts.append(say_many("{number} step", "{number} steps", defaults.num_inference_steps))
    if defaults.guidance_scale is not None:
        parts.append(say("guidance {guidance:g}", guidance=defaults.guidance_scale))
    if defaults.width is not None:
        parts.append(f"{defaults.width}×{defaults.height}")
    if defaults.scheduler is not None:
        parts.append(say("scheduler {scheduler}", scheduler=defaults.scheduler))
    return reduce(_and, parts) if parts else ""


def _and(before: str, after: str) -> str:
    """Both with a dot between them, to be said again in another language."""
    return say("{before} · {after}", before=before, after=after)


def disk_usage_line(usage: DiskUsage) -> str:
    """What of a model is on disk."""
    presence = say(PRESENCES[usage.presence])
    if not usage.size:
        return say("Files: {presence}", presence=presence)
    return say("Files: {presence}, {size}", presence=presence, size=human_size(usage.size))


def plan_lines(plan: PlanTable) -> list[str]:
    """The plan in two lines: where it lives and how fast that is, and what it needs."""
    return [
        say(
            "Plan: {summary}; takes {slowdown} as long as with everything on the device",
            summary=plan.summary,
            slowdown=plan.slowdown,
        ),
        say("Expected peak memory: {peak}", peak=plan.peak),
        *([f"⚠️ {resaid(plan.problem)}"] if plan.problem else []),
    ]


def rung_lines(plan: PlanTable) -> list[str]:
    """Where each component lives, and why each faster plan was passed over."""
    return [
        *(f"• {row.name} {row.size}: {resaid(row.lives)}" for row in plan.components),
        *(
            say("-# Skipped {plan} ({times}): {reason}", plan=words, times=times, reason=reason)
            for words, times, reason in plan.passed_over
        ),
        *(f"-# {resaid(note)}" for note in plan.notes),
    ]


def measured_line(record: MeasuredSize) -> str:
    """What was measured at one size."""
    size = f"{record.width}×{record.height}"
    parts: list[str] = [
        say("Measured at {size} in batches of {number}", size=size, number=record.batch)
        if record.batch > 1
        else say("Measured at {size}", size=size)
    ]
    if record.peak_bytes:
        parts.append(say("peak {memory}", memory=human_size(record.peak_bytes)))
    if record.seconds_per_step is not None:
        parts.append(say("{seconds:.2g} s per step", seconds=record.seconds_per_step))
    return " · ".join(parts)


def offer_text(prospect: ModelCandidate) -> str:
    """What adding a model would bring, and whether it would run."""
    inspection = prospect.inspection
    family = FAMILIES[inspection.family].label if inspection.family else inspection.pipeline
    size, left = human_size(prospect.total_bytes), human_size(prospect.download_bytes)
    there = say("{size}, already on disk", size=size)
    coming = say("{size}, {left} to download", size=size, left=left)
    lines = [
        f"{family} · {there if prospect.there else coming}",
        say("Licence: {name}", name=prospect.licence)
        if prospect.licence
        else say("Licence: not stated in the model card"),
    ]
    if prospect.gated:
        lines.append(
            say("Gated: the account behind my token must have accepted its terms on the Hub.")
        )
    if prospect.known_as:
        lines.append(say("The same model is already here as **{name}**.", name=prospect.known_as))
    return "\n".join([*lines, *plan_lines(prospect.plan)])
