"""Which model to start with: what fits this machine, and the owner's choice."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.table import Table

from cli.console import Output, err, out
from cli.models.list import UNBOUNDED
from cli.questions import BadAnswer, ask
from engine import (
    AtelierError,
    Catalogue,
    DeviceFacts,
    EngineSettings,
    Model,
    ModelSettings,
    human_size,
)
from engine.hub.downloads import free_bytes
from engine.models.origins import origin_of
from engine.models.suggestions import Suggestion, suggest_models
from engine.settings import BUILT_IN_MODEL


def suggestions_for(settings: EngineSettings) -> tuple[DeviceFacts, list[Suggestion]]:
    """What the device is, and the best models that fit it. Raises `DeviceUnavailable`."""
    from engine.models.device_facts import device_facts

    with err.status("Looking at the device"):  # importing torch takes seconds
        facts = device_facts(settings)
        return facts, suggest_models(facts, settings, free_bytes())


def ask_for_model(facts: DeviceFacts, suggestions: Sequence[Suggestion]) -> str:
    """Show what fits, and ask; the source that is chosen, or `sketch`."""
    show_suggestions(facts, suggestions)
    return ask(
        "Model: a number, a Hub ID (owner/name), or a folder",
        partial(read_model, suggestions=suggestions),
        "1" if suggestions else BUILT_IN_MODEL,
    )


def show_suggestions(facts: DeviceFacts, suggestions: Sequence[Suggestion]) -> None:
    """Print the models that fit, the best first."""
    out.print(f"\nYour device: {facts.name}, {human_size(facts.usable_bytes)} free.")
    if not suggestions:
        out.print("sketch, the built-in model, paints here. Larger ones take minutes a picture.")
        return
    out.print("These models fit, by an estimate. They're downloaded with their first picture.")
    table = Table("", "model", "disk", "RAM", "licence", box=None, pad_edge=False)
    for number, each in enumerate(suggestions, start=1):
        table.add_row(
            str(number),
            each.description,
            human_size(each.disk_bytes),
            human_size(each.ram_bytes),
            each.licence,
        )
    table.add_row("0", "sketch, built in: small pictures of simple things", "0 GB")
    Output(highlight=False, markup=False, emoji=False, width=UNBOUNDED).print(table)


def read_model(answer: str, suggestions: Sequence[Suggestion] = ()) -> str:
    """The source that an answer names, by its number or as it is written.

    Raises:
        BadAnswer: It names none.
    """
    if answer in ("0", BUILT_IN_MODEL):
        return BUILT_IN_MODEL
    if re.fullmatch(r"\d{1,3}", answer):
        if int(answer) > len(suggestions):
            raise BadAnswer("That number isn't in the list.")
        return suggestions[int(answer) - 1].source
    try:
        origin_of(Model.of("model", ModelSettings(source=answer)))
    except AtelierError as error:
        raise BadAnswer(str(error)) from None
    return answer


def model_sections(source: str) -> dict[str, dict[str, Any]]:
    """The sections of the settings file that make a model the default."""
    if source == BUILT_IN_MODEL:
        return {}
    name = Catalogue({}, BUILT_IN_MODEL).suggest_name(source)
    return {"engine": {"default_model": name}, f"models.{name}": {"source": source}}
