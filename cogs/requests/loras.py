"""LoRAs as members type them: “fox”, “fox:0.8”, “fox+”, or several separated by commas."""

from typing import NamedTuple

from discord.app_commands import Choice

from cogs.messages.text import shortened
from cogs.requests.choices import MAX_CHOICE_LENGTH, MAX_CHOICES
from engine import Adapter, AdapterCatalogue, AdapterUse, Model
from speech import say


class ChosenLoras(NamedTuple):
    """The LoRAs that were typed.

    Attributes:
        uses: Each with its weight.
        triggers: Trigger words to add to the prompt.
    """

    uses: tuple[AdapterUse, ...]
    triggers: tuple[str, ...]


def parse_loras(text: str | None, adapters: AdapterCatalogue) -> ChosenLoras:
    """The LoRAs in `text`, each with its default weight unless `text` gives one.

    Raises:
        InvalidRequest: When a LoRA doesn't exist, or its weight isn't a number.
    """
    parts = [part.strip() for part in (text or "").split(",")]
    chosen = [adapters.choose(part) for part in parts if part]
    return ChosenLoras(
        tuple(AdapterUse(each.adapter.name, each.weight) for each in chosen),
        tuple(each.trigger for each in chosen if each.trigger),
    )


def lora_choices(adapters: AdapterCatalogue, model: Model, current: str) -> list[Choice[str]]:
    """Autocomplete for the last LoRA in `current`; the ones before it are kept as typed.

    A LoRA with trigger words is offered with and without them.

    Args:
        adapters: The LoRAs that the user can use there.
        model: The model; LoRAs for another family are left out.
        current: What has been typed.
    """
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    name, colon, weight = typed.strip().partition(":")
    choices = []
    for adapter in adapters.matching(name.removesuffix("+"), model.family)[:MAX_CHOICES]:
        value = before + adapter.name + colon + weight
        description = adapter.description or adapter.trigger
        label = f"{value}: {description}" if description and not colon else value
        if len(value) <= MAX_CHOICE_LENGTH:
            choices.append(Choice(name=label[:MAX_CHOICE_LENGTH], value=value))
        if adapter.trigger and len(value) < MAX_CHOICE_LENGTH:
            label = say("{name} with its words: {words}", name=value, words=adapter.trigger)
            choices.append(Choice(name=shortened(label, MAX_CHOICE_LENGTH), value=f"{value}+"))
    return choices[:MAX_CHOICES]


def lora_name_choices(
    adapters: AdapterCatalogue, current: str, *, added: bool = False
) -> list[Choice[str]]:
    """Autocomplete for the name of one LoRA.

    Args:
        adapters: The LoRAs that the user can use there.
        current: What has been typed.
        added: Whether only those are offered that were added by command.
    """
    found = [adapter for adapter in adapters.matching(current, None) if adapter.added or not added]
    return [
        Choice(name=shortened(_label(adapter), MAX_CHOICE_LENGTH), value=adapter.name)
        for adapter in found[:MAX_CHOICES]
        if len(adapter.name) <= MAX_CHOICE_LENGTH
    ]


def _label(adapter: Adapter) -> str:
    about = " · ".join(part for part in (adapter.description, adapter.trigger) if part)
    return f"{adapter.name}: {about}" if about else adapter.name
