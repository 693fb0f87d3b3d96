"""`models remove`: takes out a model that was added by command."""

import asyncio

import typer

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import SEEN, bot_is_running
from cli.models.catalogue import open_model_manager_of
from cli.settings import Settings
from engine import human_size


def remove_model(settings: Settings, name: str, *, ask: bool) -> None:
    """Take a model out, and free what it has on disk and no other model needs.

    Raises:
        CommandError: When it is not for this to remove, or somebody thought better of it.
        StorageError: When the data folder cannot be used.
    """
    if ask:
        _confirm(name, asyncio.run(_size(settings, name)))
    freed = asyncio.run(_remove(settings, name))
    out.print(f"✓ Removed {name}: {human_size(freed)} freed.", style="green")
    if bot_is_running(settings.storage.path):
        out.print(SEEN)


async def _size(settings: Settings, name: str) -> int:
    async with open_model_manager_of(settings) as (model_manager, catalogue):
        catalogue.removable(name)
        return model_manager.disk_usage(name).size


async def _remove(settings: Settings, name: str) -> int:
    async with open_model_manager_of(settings) as (model_manager, _):
        return await model_manager.remove(name)


def _confirm(name: str, size: int) -> None:
    takes = f" It takes {human_size(size)} on disk." if size else ""
    try:
        typer.confirm(f"Remove “{name}”?{takes}", abort=True)
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was removed.") from None
