"""What is told of models: in lists, in `/model info`, and before one is added."""

from collections.abc import Container, Iterable, Sequence

from discord.app_commands import Choice

from cogs.replies import MOST
from engine import (
    FAMILIES,
    Catalogue,
    Model,
    ModelDefaults,
    PlanTable,
    Prospect,
    SizeRecord,
    Stock,
    human_size,
)

MOST_CHOICES = 25
"""Discord's limit for autocomplete."""

LONGEST = 100
"""Discord's limit for the name and for the value of a choice."""


def listing(models: Catalogue, used: Model, allowed: Container[str] | None) -> str:
    """All models that are allowed, `used` marked; by name alone when they are too many to describe.

    Args:
        models: All there are.
        used: The one that paints where none is named.
        allowed: Names of those that may be used here; `None` for all.
    """
    head = f"This server paints with **{used.name}**."
    usable = [m for m in models if allowed is None or m.name in allowed]
    barred = [m.name for m in models if m not in usable]
    tail = [f"-# Not allowed here: {', '.join(barred)}"] if barred else []
    lines = [
        f"{'**→**' if model == used else '•'} **{model.name}** {model.description}"
        for model in usable
    ]
    text = "\n".join([head, *lines, *tail])
    if len(text) <= MOST:
        return text
    return f"{head} Others: {', '.join(m.name for m in usable if m != used)}"


def model_choices(models: Iterable[Model], current: str) -> list[Choice[str]]:
    """The models whose name or description contains what is typed."""
    typed = current.strip().lower()
    found = [m for m in models if typed in m.name.lower() or typed in m.description.lower()]
    return [
        Choice(
            name=f"{m.name}: {m.description}"[:LONGEST] if m.description else m.name, value=m.name
        )
        for m in found[:MOST_CHOICES]
    ]


def several_choices(models: Iterable[Model], current: str) -> list[Choice[str]]:
    """The same for the last of several names with commas between; those before it stay."""
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    return [
        Choice(name=before + choice.value, value=before + choice.value)
        for choice in model_choices(models, typed)
        if len(before + choice.value) <= LONGEST
    ]


def scheduler_choices(names: Sequence[str], current: str) -> list[Choice[str]]:
    """The schedulers whose name contains what is typed."""
    typed = current.strip().lower()
    return [Choice(name=n, value=n) for n in names if typed in n][:MOST_CHOICES]


def describe(model: Model, defaults: ModelDefaults) -> str:
    """A few lines on a model, and what its server wants of it."""
    sizes = ", ".join(f"{size.ratio} {size.width}×{size.height}" for size in model.sizes)
    lines = [
        f"**{model.name}** {model.description}",
        f"Steps {model.num_inference_steps} · guidance {model.guidance_scale:g} · "
        f"scheduler {model.scheduler}",
        f"Sizes: {sizes}; any from {model.min_side} to {model.max_side} pixels a side in steps "
        f"of {model.multiple_of}",
    ]
    if defaults.chosen:
        lines.insert(2, f"In this server: {in_words(defaults)}")
    if model.licence is not None:
        lines.append(f"Licence: {model.licence.name}, {model.licence.note}")
    return "\n".join(lines)


def in_words(defaults: ModelDefaults) -> str:
    """What was decided, such as “8 steps · guidance 2”; “nothing of its own” if nothing was."""
    parts = []
    if defaults.num_inference_steps is not None:
        parts.append(f"{defaults.num_inference_steps} steps")
    if defaults.guidance_scale is not None:
        parts.append(f"guidance {defaults.guidance_scale:g}")
    if defaults.width is not None:
        parts.append(f"{defaults.width}×{defaults.height}")
    if defaults.scheduler is not None:
        parts.append(f"scheduler {defaults.scheduler}")
    return " · ".join(parts) or "nothing of its own"


def stock_line(stock: Stock) -> str:
    """What of a model is on disk."""
    size = f", {human_size(stock.size)}" if stock.size else ""
    return f"Files: {stock.presence}{size}"


def plan_lines(plan: PlanTable) -> list[str]:
    """The plan in two lines: where it lives and how fast that is, and what it needs."""
    return [
        f"Plan: {plan.summary}; a picture takes {plan.slowdown} the time of everything resident",
        f"Expected peak: {plan.peak}",
        *([f"⚠️ {plan.problem}"] if plan.problem else []),
    ]


def rung_lines(plan: PlanTable) -> list[str]:
    """Where each component lives, and why each faster plan was passed over."""
    return [
        *(f"• {row.name} {row.size}: {row.lives}" for row in plan.components),
        *(f"-# Not {words} ({times}): {reason}" for words, times, reason in plan.passed_over),
        *(f"-# {note}" for note in plan.notes),
    ]


def measured_line(record: SizeRecord) -> str:
    """What was measured at one size."""
    parts = [f"Measured at {record.width}×{record.height}"]
    if record.batch > 1:
        parts[0] += f", {record.batch} at a time"
    if record.peak_bytes:
        parts.append(f"peak {human_size(record.peak_bytes)}")
    if record.seconds_per_step is not None:
        parts.append(f"{record.seconds_per_step:.2g} s a step")
    return " · ".join(parts)


def offer_text(prospect: Prospect) -> str:
    """What adding a model would bring, and whether it would run."""
    inspection = prospect.inspection
    family = FAMILIES[inspection.family].label if inspection.family else inspection.pipeline
    coming = (
        "all of it here" if prospect.there else f"{human_size(prospect.download_bytes)} to come"
    )
    lines = [
        f"{family} · {human_size(prospect.total_bytes)}, {coming}",
        f"Licence: {prospect.licence or 'its model card names none'}",
    ]
    if prospect.gated:
        lines.append("Gated: whoever's token I use must have accepted its terms on the Hub.")
    if prospect.known_as:
        lines.append(f"The same is here already, as **{prospect.known_as}**.")
    return "\n".join([*lines, *plan_lines(prospect.plan)])
