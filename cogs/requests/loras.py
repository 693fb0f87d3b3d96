"""LoRAs as members type them: “fox”, “fox:0.8”, or several separated by commas."""

from discord.app_commands import Choice

from cogs.requests.choices import MAX_CHOICE_LENGTH, MAX_CHOICES
from engine import AdapterCatalogue, AdapterUse, InvalidRequest, Model
from speech import say


def parse_loras(text: str | None, adapters: AdapterCatalogue) -> tuple[AdapterUse, ...]:
    """The LoRAs in `text`, each with its default weight unless `text` gives one.

    Raises:
        InvalidRequest: When a LoRA doesn't exist, or its weight isn't a number.
    """
    parts = [part.strip() for part in (text or "").split(",")]
    return tuple(_parse_lora(part, adapters) for part in parts if part)


def _parse_lora(text: str, adapters: AdapterCatalogue) -> AdapterUse:
    name, colon, weight = text.rpartition(":")
    if not colon:
        adapter = adapters[text]
        return AdapterUse(adapter.name, adapter.weight)
    try:
        return AdapterUse(adapters[name.strip()].name, float(weight))
    except ValueError:
        raise InvalidRequest(
            say(
                "“{weight}” isn't a valid weight for {name}. Write it like {name}:0.8.",
                weight=weight.strip(),
                name=name.strip(),
            )
        ) from None


def lora_choices(adapters: AdapterCatalogue, model: Model, current: str) -> list[Choice[str]]:
    """Autocomplete for the last LoRA in `current`; the ones before it are kept as typed.

    Args:
        adapters: All LoRAs.
        model: The model; LoRAs for another family are left out.
        current: What has been typed.
    """
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    name, colon, weight = typed.strip().partition(":")
    choices = []
    for adapter in adapters.matching(name, model.family, MAX_CHOICES):
        value = before + adapter.name + colon + weight
        description = adapter.description or adapter.trigger
        label = f"{value}: {description}" if description and not colon else value
        if len(value) <= MAX_CHOICE_LENGTH:
            choices.append(Choice(name=label[:MAX_CHOICE_LENGTH], value=value))
    return choices
