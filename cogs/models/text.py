"""Texts about models: in lists, in `/model info`, and before one is added."""

from collections.abc import Callable, Container, Sequence
from functools import reduce

from cogs.markdown import escaped, escaped_line, in_markdown
from cogs.messages.replies import MAX_MESSAGE_LENGTH
from cogs.messages.text import duration
from cogs.policy.model_capabilities import can_edit, can_inpaint, can_start_from_images
from cogs.requests.choices import model_description
from engine import (
    DEFAULT_SCHEDULER,
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
from speech import join_list, phrase, say, say_many

PRESENCE_LABELS = {
    Presence.COMPLETE: phrase("on disk"),
    Presence.PARTIAL: phrase("partly downloaded"),
    Presence.ABSENT: phrase("not downloaded"),
    Presence.BROKEN: phrase("incomplete"),
    Presence.NO_FOLDER: phrase("folder not found"),
}
"""How much of a model is on disk, in words."""

ABILITIES: tuple[tuple[Callable[[Model], bool], str, str], ...] = (
    (can_start_from_images, "🖼️", phrase("starts from pictures")),
    (can_inpaint, "🪄", phrase("repaints parts")),
    (can_edit, "🖌️", phrase("edits by words")),
)
"""What only some models can, with the signs of the buttons for it."""


def model_list_text(models: Catalogue, used: Model, allowed: Container[str] | None) -> str:
    """The allowed models with `used` marked; only their names if there are too many to describe.

    Args:
        models: All models.
        used: The server's model.
        allowed: The names of the allowed models; `None` for all.
    """
    headline = current_model_text(used)
    usable = [m for m in models if allowed is None or m.name in allowed]
    disallowed = [escaped(m.name) for m in models if m not in usable]
    disallowed_lines = (
        [say("-# Not allowed here: {names}", names=join_list(disallowed))] if disallowed else []
    )
    lines = [
        f"{'**→**' if model == used else '•'} **{escaped(model.name)}** "
        + " ".join(filter(None, (escaped_line(model_description(model)), _signs(model))))
        for model in usable
    ]
    legend = " · ".join(f"{sign} {say(words)}" for _, sign, words in ABILITIES)
    text = "\n".join([headline, *lines, *disallowed_lines, f"-# {legend}"])
    if len(text) <= MAX_MESSAGE_LENGTH:
        return text
    others = join_list([escaped(model.name) for model in usable if model != used])
    return say("{sentence} Others: {names}", sentence=headline, names=others)


def _signs(model: Model) -> str:
    return "".join(sign for able, sign, _ in ABILITIES if able(model))


def current_model_text(used: Model) -> str:
    """The sentence about the server's model."""
    return say("This server uses **{name}**.", name=escaped(used.name))


def model_summary(model: Model, defaults: ModelDefaults, licence: str | None) -> str:
    """The settings, sizes and licence of a model, and its defaults in the server."""
    lines = [
        f"**{escaped(model.name)}** {escaped_line(model_description(model))}",
        defaults_text(
            ModelDefaults(
                num_inference_steps=model.num_inference_steps,
                guidance_scale=model.guidance_scale,
                scheduler=None if model.scheduler == DEFAULT_SCHEDULER else model.scheduler,
            )
        ),
        say(
            "Sizes: {sizes}, or {least} to {most} pixels per side in steps of {step}",
            sizes=join_list([f"{size.ratio} {size.width}×{size.height}" for size in model.sizes]),
            least=model.min_side,
            most=model.max_side,
            step=model.multiple_of,
        ),
    ]
    if able := [f"{sign} {say(words)}" for can, sign, words in ABILITIES if can(model)]:
        lines.append(" · ".join(able))
    if defaults.chosen:
        lines.insert(2, say("Defaults in this server: {choices}", choices=defaults_text(defaults)))
    if licence is not None:
        lines.append(say("Licence: {name}", name=escaped_line(licence)))
    return "\n".join(lines)


def speed_lines(
    model: Model, defaults: ModelDefaults, measured: Sequence[MeasuredSize]
) -> list[str]:
    """The line about how long a picture of a measured size takes, if there is one.

    It is the size nearest to the default one, painted with the default steps and nothing else.
    """
    timed = [each for each in measured if each.seconds_per_step is not None]
    if not timed:
        return []
    width, height = defaults.width or model.width, defaults.height or model.height
    nearest = min(
        timed, key=lambda each: (abs(each.width * each.height - width * height), each.batch)
    )
    assert nearest.seconds_per_step is not None
    steps = defaults.num_inference_steps or model.num_inference_steps
    return [
        say(
            "A picture of {size} takes about {time} here.",
            size=f"{nearest.width}×{nearest.height}",
            time=duration(nearest.seconds_per_step * steps),
        )
    ]


def defaults_text(defaults: ModelDefaults) -> str:
    """The defaults that are set, such as “8 steps · guidance 2”."""
    parts: list[str] = []
    if defaults.num_inference_steps is not None:
        parts.append(say_many("{number} step", "{number} steps", defaults.num_inference_steps))
    if defaults.guidance_scale is not None:
        parts.append(say("guidance {guidance:g}", guidance=defaults.guidance_scale))
    if defaults.width is not None:
        parts.append(f"{defaults.width}×{defaults.height}")
    if defaults.scheduler is not None:
        parts.append(say("scheduler {scheduler}", scheduler=escaped(defaults.scheduler)))
    return reduce(_and, parts) if parts else ""


def _and(before: str, after: str) -> str:
    """Both joined by a dot, as a sentence that can still be translated."""
    return say("{before} · {after}", before=before, after=after)


def disk_usage_line(usage: DiskUsage) -> str:
    """The line about a model's files on disk."""
    presence = say(PRESENCE_LABELS[usage.presence])
    if not usage.size:
        return say("Files: {presence}", presence=presence)
    return say("Files: {presence}, {size}", presence=presence, size=human_size(usage.size))


def plan_lines(plan: PlanTable) -> list[str]:
    """The lines about the memory plan: where the model is kept, its speed and its peak."""
    return [
        say(
            "Plan: {summary}; takes {slowdown} as long as with everything on the device",
            summary=plan.summary,
            slowdown=plan.slowdown,
        ),
        say("Expected peak memory: {peak}", peak=plan.peak),
        *([f"⚠️ {in_markdown(plan.problem)}"] if plan.problem else []),
    ]


def rung_lines(plan: PlanTable) -> list[str]:
    """The lines about where each component is kept, and why faster plans were skipped."""
    return [
        *(
            f"• {escaped_line(row.name)} {row.size}: {in_markdown(row.lives)}"
            for row in plan.components
        ),
        *(
            say(
                "-# Skipped {plan} ({times}): {reason}",
                plan=summary,
                times=times,
                reason=in_markdown(reason),
            )
            for summary, times, reason in plan.passed_over
        ),
        *(f"-# {in_markdown(note)}" for note in plan.notes),
    ]


def measured_line(record: MeasuredSize) -> str:
    """The line about what was measured at one size."""
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


def candidate_text(candidate: ModelCandidate) -> str:
    """What a model is that can be added, and how it would run."""
    inspection = candidate.inspection
    family = FAMILIES[inspection.family].label if inspection.family else inspection.pipeline
    size, left = human_size(candidate.total_bytes), human_size(candidate.download_bytes)
    on_disk = say("{size}, already on disk", size=size)
    to_download = say("{size}, {left} to download", size=size, left=left)
    lines = [
        f"{escaped_line(family)} · {on_disk if candidate.on_disk else to_download}",
        say("Licence: {name}", name=escaped_line(candidate.licence))
        if candidate.licence
        else say("Licence: not stated in the model card"),
        *(f"⚠️ {in_markdown(warning)}" for warning in candidate.licence_warnings),
    ]
    if candidate.gated:
        lines.append(
            say("Gated: the account behind my token must have accepted its terms on the Hub.")
        )
    if candidate.same_as:
        lines.append(
            say("The same model is already here as **{name}**.", name=escaped(candidate.same_as))
        )
    return "\n".join([*lines, *plan_lines(candidate.plan)])
