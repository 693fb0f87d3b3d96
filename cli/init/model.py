"""Which model to start with: what fits this machine, and the owner's choice."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cli.console import out
from cli.init.answers import Answers
from cli.init.reading import read_model
from engine import (
    Catalogue,
    EngineSettings,
    Model,
    ModelSettings,
    human_size,
)
from engine.hub.downloads import free_bytes
from engine.models.candidates import licence_line
from engine.models.licences import Safeguards, known_terms, licence_warnings
from engine.models.suggestions import Suggestion, suggest_models
from engine.settings import BUILT_IN_MODEL


def choose_model(given: Answers, device: str) -> str:
    """Show what fits the device, and ask if there is somebody; the source, or `sketch`.

    Raises:
        DeviceUnavailable: The device isn't here.
        typer.Abort: On Ctrl-C, or at the end of the input.
    """
    source = given.model or _suggested(given, EngineSettings(device=device))
    if source != BUILT_IN_MODEL:
        _show_licence(source)
    return source


def _suggested(given: Answers, settings: EngineSettings) -> str:
    from engine.models.device_facts import device_facts

    suggestions = suggest_models(device_facts(settings), settings, free_bytes())
    if given.asks:
        _show_suggestions(suggestions)
    return given.take(
        None,
        "Model: a number, a Hub ID (owner/name), or a folder",
        partial(read_model, suggestions=suggestions),
        "1" if suggestions else BUILT_IN_MODEL,
    )


def _show_suggestions(suggestions: Sequence[Suggestion]) -> None:
    """Print the models that fit, the best first."""
    if not suggestions:
        out.print("sketch, the built-in model, paints here. Larger ones take minutes a picture.")
        return
    out.print("These fit. Times are estimates, for a card as fast as an RTX 3060.")
    for number, each in enumerate(suggestions, start=1):
        out.print(f"{number:>2}  {each.description}", style="bold")
        for line in (_cost(each), each.plan, each.licence):
            out.print(f"    {line}", style="dim")
    out.print(" 0  sketch, built in: small pictures of simple things", style="bold")


def _cost(each: Suggestion) -> str:
    """What a model takes of the disk, of RAM and of time."""
    missing = each.download_bytes
    return " · ".join(
        (
            f"{human_size(missing)} to download" if missing else "on disk",
            f"{human_size(each.ram_bytes)} of RAM",
            f"about {max(each.seconds, 1):.0f} s a picture",
        )
    )


def _show_licence(source: str) -> None:
    """Print what the licence of a known model allows, and what it asks for that isn't set up."""
    model = Model.of("model", ModelSettings(source=source))
    if (line := licence_line(model)) is None or model.licence is None:
        return
    out.print(f"Licence: {line}.")
    for warning in licence_warnings(known_terms(model.licence.name), Safeguards()):
        out.print(warning, style="bold")


def model_sections(source: str) -> dict[str, dict[str, Any]]:
    """The sections of the settings file that make a model the default."""
    if source == BUILT_IN_MODEL:
        return {}
    name = Catalogue({}, BUILT_IN_MODEL).suggest_name(source)
    return {"engine": {"default_model": name}, f"models.{name}": {"source": source}}
