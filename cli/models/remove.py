"""`models remove`: removes a model that was added with a command."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cli.console import out
from cli.lock import tell_picked_up
from cli.models.catalogue import open_model_manager_of
from cli.questions import confirm
from cli.settings import Settings
from engine import human_size
from engine.local_paths import exists


def remove_model(settings: Settings, name: str, *, ask: bool) -> None:
    """Remove a model and its files, except those other models need.

    Raises:
        CommandError: When the model can't be removed, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    size, local = asyncio.run(_files(settings, name))
    if ask:
        _confirm(name, size, local)
    freed = asyncio.run(_remove(settings, name))
    said = f", freed {human_size(freed)}" if freed or not local else ""
    out.print(f"✓ Removed {name}{said}.", style="green")
    for path in local:
        out.print(f"Your own files stay: {path}")
    tell_picked_up(settings.storage.path)


async def _files(settings: Settings, name: str) -> tuple[int, list[Path]]:
    """Bytes of the model's files, and those of its sources that are the owner's own."""
    async with open_model_manager_of(settings) as (model_manager, catalogue):
        model = catalogue.removable(name)
        named = [Path(source) for source in (model.source, model.denoiser) if source]
        return model_manager.disk_usage(name).size, [path for path in named if exists(path)]


async def _remove(settings: Settings, name: str) -> int:
    async with open_model_manager_of(settings) as (model_manager, _):
        return await model_manager.remove(name)


def _confirm(name: str, size: int, local: Sequence[Path]) -> None:
    if local:
        usage = f" Your own files stay: {', '.join(map(str, local))}."
    else:
        usage = f" It takes up {human_size(size)}." if size else ""
    confirm(f"Remove “{name}”?{usage}", "Nothing was removed.")
