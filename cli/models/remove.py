"""`models remove`: removes a model that was added with a command."""

import asyncio

import typer

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import PICKED_UP, bot_is_running
from cli.models.catalogue import open_model_manager_of
from cli.settings import Settings
from engine import human_size


def remove_model(settings: Settings, name: str, *, ask: bool) -> None:
    """Remove a model and its files, except those other models need.

    Raises:
        CommandError: When the model can't be removed, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    if ask:
        _confirm(name, asyncio.run(_size(settings, name)))
    freed = asyncio.run(_remove(settings, name))
    out.print(f"✓ Removed {name}, freed {human_size(freed)}.", style="green")
    if bot_is_running(settings.storage.path):
        out.print(PICKED_UP)


async def _size(settings: Settings, name: str) -> int:
    async with open_model_manager_of(settings) as (model_manager, catalogue):
        catalogue.removable(name)
        return model_manager.disk_usage(name).size


async def _remove(settings: Settings, name: str) -> int:
    async with open_model_manager_of(settings) as (model_manager, _):
        return await model_manager.remove(name)


def _confirm(name: str, size: int) -> None:
    usage = f" It takes up {human_size(size)}." if size else ""
    try:
        typer.confirm(f"Remove “{name}”?{usage}", abort=True)
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was removed.") from None
