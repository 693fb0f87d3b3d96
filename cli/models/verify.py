"""`models verify`: reads the files of models and says which are damaged."""

import asyncio
from collections.abc import Iterable

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.text import Text

from cli.models.catalogue import curator_of
from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.settings import Settings
from engine import Curator, Presence, human_size


def verify_models(settings: Settings, name: str | None) -> None:
    """Verify one model, or all that are on disk.

    Raises:
        CommandError: When something is wrong with one.
        StorageError: When the data folder cannot be used.
    """
    damaged = asyncio.run(_verify(settings, name))
    if damaged:
        raise CommandError(Exit.MODEL, f"Damaged or incomplete: {', '.join(damaged)}.")


async def _verify(settings: Settings, name: str | None) -> list[str]:
    """Names of the models with flaws."""
    damaged = []
    async with curator_of(settings) as (curator, catalogue):
        for each in [catalogue[name].name] if name else [model.name for model in catalogue]:
            stock = curator.stock(each)
            if name is None and stock.presence is Presence.ABSENT:
                out.print(f"- {each}: {stock.presence}", style="dim")
            elif flaws := await _flaws(curator, each):
                damaged.append(each)
                _tell(each, flaws)
            else:
                out.print(Text.assemble(("✓", "green"), f" {each}: {human_size(stock.size)}"))
    return damaged


async def _flaws(curator: Curator, name: str) -> list[str]:
    """What is wrong with a model, while its reading is shown."""
    presence = curator.stock(name).presence
    if presence is Presence.NO_FOLDER:
        return list(curator.stock(name).lacks)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name, total=None)
        return await curator.verify(
            name, lambda done, total: progress.update(task, completed=done, total=total)
        )


def _tell(name: str, flaws: Iterable[str]) -> None:
    for flaw in flaws:
        out.print(Text.assemble(("✗", "bold red"), f" {name}: {flaw}"))
