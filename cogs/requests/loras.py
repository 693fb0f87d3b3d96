"""LoRAs as members type them: “fox”, “fox:0.8”, or several with commas between them."""

from discord.app_commands import Choice

from cogs.requests.choices import LONGEST, MOST_CHOICES
from engine import AdapterCatalogue, AdapterUse, InvalidRequest, Model
from speech import say


def parse_loras(text: str | None, shelf: AdapterCatalogue) -> tuple[AdapterUse, ...]:
    """The LoRAs that `text` names; without a weight, each as its owner has set it up.

    Raises:
        InvalidRequest: When there is none of that name, or a weight is no number.
    """
    asked = [part.strip() for part in (text or "").split(",")]
    return tuple(_use(part, shelf) for part in asked if part)


def _use(text: str, shelf: AdapterCatalogue) -> AdapterUse:
    name, colon, weight = text.rpartition(":")
    if not colon:
        adapter = shelf[text]
        return AdapterUse(adapter.name, adapter.weight)
    try:
        return AdapterUse(shelf[name.strip()].name, float(weight))
    except ValueError:
        raise InvalidRequest(
            say(
                "“{weight}” isn't a valid weight for {name}. Write it like {name}:0.8.",
                weight=weight.strip(),
                name=name.strip(),
            )
        ) from None


def lora_choices(shelf: AdapterCatalogue, model: Model, current: str) -> list[Choice[str]]:
    """What to offer for the last LoRA that is being typed; those before it stay as they are.

    Args:
        shelf: The LoRAs that there are.
        model: What paints: those that are for another kind of model are left out.
        current: What has been typed.
    """
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    name, colon, weight = typed.strip().partition(":")
    choices = []
    for adapter in shelf.matching(name, model.family, MOST_CHOICES):
        value = before + adapter.name + colon + weight
        about = adapter.description or adapter.trigger
        label = f"{value}: {about}" if about and not colon else value
        if len(value) <= LONGEST:
            choices.append(Choice(name=label[:LONGEST], value=value))
    return choices
