"""Autocomplete choices: the models, schedulers and styles that match what is typed."""

from collections.abc import Iterable, Mapping, Sequence

from discord.app_commands import Choice

from cogs.messages.text import shortened
from engine import Model, Style
from speech import current_language, translation

MAX_CHOICES = 25
"""Discord's limit for autocomplete."""

MAX_CHOICE_LENGTH = 100
"""Discord's limit for the name and for the value of a choice, in characters."""


def model_description(model: Model) -> str:
    """The model's description, translated if it is a known checkpoint's."""
    return translation(model.description, current_language()) or model.description


def model_choices(models: Iterable[Model], current: str) -> list[Choice[str]]:
    """The models whose name or description contains what is typed."""
    typed = current.strip().lower()
    choices = []
    for model in models:
        description = model_description(model)
        if typed in model.name.lower() or typed in description.lower():
            label = f"{model.name}: {description}" if model.description else model.name
            choices.append(Choice(name=label[:MAX_CHOICE_LENGTH], value=model.name))
    return choices[:MAX_CHOICES]


def model_list_choices(models: Iterable[Model], current: str) -> list[Choice[str]]:
    """Autocomplete for the last of several models; the ones before it are kept as typed."""
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    return [
        Choice(name=before + choice.value, value=before + choice.value)
        for choice in model_choices(models, typed)
        if len(before + choice.value) <= MAX_CHOICE_LENGTH
    ]


def scheduler_choices(names: Sequence[str], current: str) -> list[Choice[str]]:
    """The schedulers whose name contains what is typed."""
    typed = current.strip().lower()
    return [Choice(name=name, value=name) for name in names if typed in name][:MAX_CHOICES]


def style_choices(styles: Mapping[str, Style], current: str) -> list[Choice[str]]:
    """The styles whose name or template contains what is typed."""
    typed = current.strip().casefold()
    found = [s for s in styles.values() if typed in s.name.casefold() or typed in s.prompt]
    return [
        Choice(
            name=shortened(f"{style.name}: {' '.join(style.prompt.split())}", MAX_CHOICE_LENGTH),
            value=style.name,
        )
        for style in found[:MAX_CHOICES]
    ]
