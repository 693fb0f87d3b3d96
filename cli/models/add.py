"""`models add`: shows what a model is and whether it fits, then downloads it."""

import asyncio
from typing import NamedTuple

from cli.console import err, out
from cli.downloads import confirm_adding, progress_bar, stoppable
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import tell_picked_up
from cli.models.catalogue import open_model_manager_of
from cli.settings import Settings
from engine import Model, ModelCandidate, human_size
from engine.models.families import FAMILIES


class AddOptions(NamedTuple):
    """What to add, as typed; the fields are arguments of `engine.ModelManager.look`."""

    source: str
    name: str | None = None
    revision: str | None = None
    variant: str | None = None
    denoiser: str | None = None


def add_model(settings: Settings, options: AddOptions, *, ask: bool) -> None:
    """Add a model for the bot and the command line.

    If the source is the name of a known model, only check its files, and download what's missing.

    Raises:
        CommandError: When the model is unavailable, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    if asyncio.run(_fetched(settings, options)):
        out.print(f"✓ {options.source} is on disk.", style="green")
        return
    candidate = asyncio.run(_look(settings, options))
    describe(candidate)
    if ask:
        confirm_adding(candidate.name, candidate.download_bytes)
    model = asyncio.run(_add(settings, candidate))
    out.print(f"✓ Added {model.name}.", style="green")
    tell_picked_up(settings.storage.path)


async def _look(settings: Settings, options: AddOptions) -> ModelCandidate:
    with err.status("Inspecting the model"):
        async with open_model_manager_of(settings) as (model_manager, _):
            return await model_manager.candidate(
                options.source,
                revision=options.revision,
                variant=options.variant,
                denoiser=options.denoiser,
                name=options.name,
            )


def describe(candidate: ModelCandidate) -> None:
    """Print what a model is, its size, and how it will run here."""
    family = candidate.inspection.family
    label = FAMILIES[family].label if family else "other, runs one picture at a time"
    out.print(f"{candidate.name}: {candidate.settings.source}", style="bold")
    if candidate.same_as:
        out.print(f"  {'known as':<10}{candidate.same_as}, which has the same source")
    out.print(f"  {'family':<10}{label} ({candidate.inspection.pipeline})")
    out.print(f"  {'licence':<10}{candidate.licence or 'not stated'}")
    for warning in candidate.licence_warnings:
        out.print(f"  {'':10}{warning}", style="bold")
    out.print(f"  {'size':<10}{_size(candidate)}")
    out.print(f"  {'plan':<10}{candidate.plan.summary}")
    out.print(f"  {'time':<10}{candidate.plan.slowdown} that with everything on the device")
    out.print(f"  {'memory':<10}{candidate.plan.peak}")
    for note in candidate.plan.notes:
        out.print(f"  {'':10}{note}", style="dim")
    if candidate.plan.problem:
        out.print(f"  {'':10}{candidate.plan.problem}", style="bold")


def _size(candidate: ModelCandidate) -> str:
    total = human_size(candidate.total_bytes)
    if not candidate.download_bytes:
        return f"{total}, already on disk"
    return f"{total}, {human_size(candidate.download_bytes)} to download"


async def _fetched(settings: Settings, options: AddOptions) -> bool:
    """Download the model that the source names; `False` if it isn't a known model."""
    name = options.source
    async with open_model_manager_of(settings) as (model_manager, catalogue):
        if name not in catalogue:
            return False
        if any(options[1:]):
            raise CommandError(
                Exit.USAGE,
                f"“{name}” is a known model, and options are for new ones. Add it by its source: "
                f"{catalogue[name].source}",
            )
        with progress_bar(name, None) as update:
            await stoppable(model_manager.download(name, update))
    return True


async def _add(settings: Settings, candidate: ModelCandidate) -> Model:
    total = candidate.total_bytes
    with progress_bar(candidate.name, total, total - candidate.download_bytes) as update:
        if candidate.download_bytes:
            err.print(f"Downloading {candidate.settings.source}")
        async with open_model_manager_of(settings, create=True) as (model_manager, _):
            return await stoppable(model_manager.add(candidate, update))
