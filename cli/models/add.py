"""`models add`: shows what a model is and whether it fits, then downloads it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import SEEN, bot_is_running
from cli.models.catalogue import open_model_manager_of
from cli.settings import Settings
from cli.signals import on_signal
from engine import DownloadProgress, Model, ModelCandidate, human_size
from engine.models.families import FAMILIES

T = TypeVar("T")


class Wanted(NamedTuple):
    """What to add, as it was typed; `engine.Curator.look` says what each is."""

    source: str
    name: str | None = None
    revision: str | None = None
    variant: str | None = None
    denoiser: str | None = None


def add_model(settings: Settings, wanted: Wanted, *, ask: bool) -> None:
    """Add a model to those of the settings, for the bot and the commands.

    The name of a model that there is already means that its files are to be downloaded now.

    Raises:
        CommandError: When it cannot be had, or somebody thought better of it.
        StorageError: When the data folder cannot be used.
    """
    if asyncio.run(_fetched(settings, wanted.source)):
        out.print(f"✓ {wanted.source} is on disk.", style="green")
        return
    prospect = asyncio.run(_look(settings, wanted))
    describe(prospect)
    if ask:
        _confirm(prospect)
    model = asyncio.run(_add(settings, prospect))
    out.print(f"✓ Added {model.name}.", style="green")
    if bot_is_running(settings.storage.path):
        out.print(SEEN)


async def _look(settings: Settings, wanted: Wanted) -> ModelCandidate:
    with err.status("Looking into it"):
        async with open_model_manager_of(settings) as (model_manager, _):
            return await model_manager.look(
                wanted.source,
                revision=wanted.revision,
                variant=wanted.variant,
                denoiser=wanted.denoiser,
                name=wanted.name,
            )


def describe(prospect: ModelCandidate) -> None:
    """Say what a model is, what it takes, and how it will run here."""
    family = prospect.inspection.family
    label = FAMILIES[family].label if family else "another kind, which runs whole"
    out.print(f"{prospect.name}: {prospect.settings.source}", style="bold")
    if prospect.known_as:
        out.print(f"  {'known as':<10}{prospect.known_as}, which is made from the same")
    out.print(f"  {'kind':<10}{label} ({prospect.inspection.pipeline})")
    out.print(f"  {'licence':<10}{prospect.licence or 'nobody says'}")
    out.print(f"  {'size':<10}{_size(prospect)}")
    out.print(f"  {'plan':<10}{prospect.plan.summary}: {prospect.plan.slowdown} the best time")
    out.print(f"  {'memory':<10}{prospect.plan.peak}")
    for note in prospect.plan.notes:
        out.print(f"  {'':10}{note}", style="dim")
    if prospect.plan.problem:
        out.print(f"  {'':10}{prospect.plan.problem}", style="bold")


def _size(prospect: ModelCandidate) -> str:
    total = human_size(prospect.total_bytes)
    if not prospect.download_bytes:
        return f"{total}, on disk"
    return f"{total}, of which {human_size(prospect.download_bytes)} to download"


def _confirm(prospect: ModelCandidate) -> None:
    size = prospect.download_bytes
    what = f"Download {human_size(size)} and add it" if size else "Add it"
    try:
        typer.confirm(f"{what} as “{prospect.name}”?", default=True, abort=True)
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was added.") from None


async def _fetched(settings: Settings, name: str) -> bool:
    """Download the model of that name; `False` if there is none."""
    async with open_model_manager_of(settings) as (model_manager, catalogue):
        if name not in catalogue:
            return False
        with _bar(name, None) as told:
            await _stoppable(model_manager.fetch(name, told))
    return True


async def _add(settings: Settings, prospect: ModelCandidate) -> Model:
    total = prospect.total_bytes
    with _bar(prospect.name, total, total - prospect.download_bytes) as told:
        if prospect.download_bytes:
            err.print(f"Downloading {prospect.settings.source}")
        async with open_model_manager_of(settings, create=True) as (model_manager, _):
            return await _stoppable(model_manager.add(prospect, told))


async def _stoppable(download: Coroutine[Any, Any, T]) -> T:
    """What a download comes to, unless a signal stops it."""
    work = asyncio.ensure_future(download)
    with on_signal(work.cancel):
        await asyncio.wait([work])
    if work.cancelled():
        raise CommandError(
            Exit.INTERRUPTED, "Stopped. What has come stays: the same command goes on with it."
        )
    return work.result()


@contextmanager
def _bar(
    name: str, total: int | None, here: int = 0
) -> Iterator[Callable[[DownloadProgress], None]]:
    """Show the progress of a download while within; what it gives has to be told of it.

    Args:
        name: What comes.
        total: Bytes of all files, if that is known.
        here: Bytes that are here already.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name, total=total, completed=here)
        yield lambda news: progress.update(task, completed=news.done, total=news.total)
