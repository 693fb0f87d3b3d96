"""`models verify`: checks model files for damage."""

import asyncio
from collections.abc import Iterable

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.text import Text

from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.models.catalogue import open_model_manager_of
from cli.settings import Settings
from engine import ModelManager, Presence, human_size


def verify_models(settings: Settings, name: str | None) -> None:
    """Verify one model, or all models on disk.

    Raises:
        CommandError: When a model is damaged.
        StorageError: When the data folder is unusable.
    """
    damaged = asyncio.run(_verify(settings, name))
    if damaged:
        raise CommandError(
            Exit.MODEL,
            f"Damaged or incomplete: {', '.join(damaged)}. “models add” with the model's name "
            "downloads again what came from the Hub.",
        )


async def _verify(settings: Settings, name: str | None) -> list[str]:
    """Names of the damaged models."""
    damaged = []
    async with open_model_manager_of(settings) as (model_manager, catalogue):
        for each in [catalogue[name].name] if name else [model.name for model in catalogue]:
            usage = model_manager.disk_usage(each)
            if name is None and usage.presence is Presence.ABSENT:
                out.print(f"- {each}: {usage.presence}", style="dim")
            elif flaws := await _flaws(model_manager, each):
                damaged.append(each)
                _report(each, flaws)
            else:
                out.print(Text.assemble(("✓", "green"), f" {each}: {human_size(usage.size)}"))
    return damaged


async def _flaws(model_manager: ModelManager, name: str) -> list[str]:
    """What's wrong with a model; shows progress while reading."""
    presence = model_manager.disk_usage(name).presence
    if presence is Presence.NO_FOLDER:
        return list(model_manager.disk_usage(name).errors)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name, total=None)
        return await model_manager.verify(
            name, lambda done, total: progress.update(task, completed=done, total=total)
        )


def _report(name: str, flaws: Iterable[str]) -> None:
    for flaw in flaws:
        out.print(Text.assemble(("✗", "bold red"), f" {name}: {flaw}"))
