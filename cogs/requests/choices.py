"""What autocomplete offers: models, schedulers and styles that match what is typed."""

from collections.abc import Iterable, Mapping, Sequence

from discord.app_commands import Choice

from cogs.messages.text import shortened
from engine import Model, Style
from speech import spoken, translation

MOST_CHOICES = 25
"""Discord's limit for autocomplete."""

LONGEST = 100
"""Discord's limit for the name and for the value of a choice, in characters."""


def about(model: Model) -> str:
    """The line on a model: that of a known checkpoint is translated, the owner's own is not."""
    return translation(model.description, spoken()) or model.description


def model_choices(models: Iterable[Model], current: str) -> list[Choice[str]]:
    """The models whose name or description contains what is typed."""
    typed = current.strip().lower()
    found = [m for m in models if typed in m.name.lower() or typed in about(m).lower()]
    return [
        Choice(name=f"{m.name}: {about(m)}"[:LONGEST] if m.description else m.name, value=m.name)
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


def style_choices(styles: Mapping[str, Style], current: str) -> list[Choice[str]]:
    """The styles whose name or template contains what is typed."""
    wanted = current.strip().casefold()
    found = [s for s in styles.values() if wanted in s.name.casefold() or wanted in s.prompt]
    return [
        Choice(
            name=shortened(f"{style.name}: {' '.join(style.prompt.split())}", LONGEST),
            value=style.name,
        )
        for style in found[:MOST_CHOICES]
    ]
