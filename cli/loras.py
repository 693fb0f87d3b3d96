"""`loras`: lists, adds and removes LoRAs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from cli.console import err, out, tables
from cli.downloads import confirm_adding, progress_bar, stoppable
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import tell_picked_up
from cli.models.catalogue import safeguards_of
from cli.questions import confirm
from cli.settings import Settings
from engine import (
    Adapter,
    AdapterCandidate,
    AdapterInfo,
    AdapterManager,
    InvalidModel,
    InvalidRequest,
    ModelUnavailable,
    human_size,
    open_adapter_manager,
)
from engine.local_paths import exists
from engine.models.families import FAMILIES


class LoraOptions(NamedTuple):
    """What to add, as typed; the fields are arguments of `engine.AdapterManager.candidate`."""

    source: str
    name: str | None = None
    weight: float | None = None
    trigger: str | None = None


def show_loras(settings: Settings) -> None:
    """Print a table of the LoRAs; marks those added with a command."""
    asyncio.run(_show(settings))


async def _show(settings: Settings) -> None:
    table = Table("", "LoRA", "family", "size", "trigger words", "source", box=None, pad_edge=False)
    async with _manager_of(settings) as manager:
        for adapter in manager.catalogue:
            info = await manager.info(adapter.name)
            table.add_row(
                "+" if adapter.added else "",
                adapter.name,
                FAMILIES[info.family].label if info.family else "",
                _size(info),
                adapter.trigger,
                adapter.source,
            )
    if not table.rows:
        folder = settings.storage.path / "loras"
        out.print(f"There are no LoRAs. Add one with “loras add”, or put files into {folder}.")
        return
    tables.print(table)
    out.print("+ added with a command; “loras remove” removes it", style="dim")


def _size(info: AdapterInfo) -> str:
    if info.gone:
        return "file not found"
    return "not downloaded" if info.size is None else human_size(info.size)


def add_lora(settings: Settings, options: LoraOptions, *, ask: bool) -> None:
    """Add a LoRA for the bot and the command line.

    Raises:
        CommandError: When it can't be had, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    candidate = asyncio.run(_look(settings, options))
    _describe(candidate)
    if ask:
        confirm_adding(candidate.name, candidate.inspection.download_bytes)
    adapter = asyncio.run(_add(settings, candidate))
    out.print(f"✓ Added {adapter.name}.", style="green")
    tell_picked_up(settings.storage.path)


async def lora_source(settings: Settings, name: str) -> str | None:
    """What the LoRA of that name is made from; `None` if there's none. Raises `StorageError`."""
    async with _manager_of(settings) as manager:
        return manager.catalogue[name].source if name in manager.catalogue else None


def remove_lora(settings: Settings, name: str, *, ask: bool) -> None:
    """Remove a LoRA that was added, and its file unless another one needs it.

    Raises:
        CommandError: When it can't be removed, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    own = asyncio.run(_own_file(settings, name))
    stays = f"Your own file stays: {own}" if own else ""
    if ask:
        confirm(f"Remove “{name}”? {stays}".rstrip(), "Nothing was removed.")
    freed = asyncio.run(_remove(settings, name))
    said = f", freed {human_size(freed)}" if freed else ""
    out.print(f"✓ Removed {name}{said}.", style="green")
    if stays:
        out.print(stays)
    tell_picked_up(settings.storage.path)


@asynccontextmanager
async def _manager_of(settings: Settings, *, create: bool = False) -> AsyncIterator[AdapterManager]:
    """The LoRA manager of the bot's data folder; its errors end the command."""
    try:
        async with open_adapter_manager(
            settings.engine,
            settings.models,
            settings.adapters,
            settings.storage.path,
            create=create,
            safeguards=safeguards_of(settings),
        ) as manager:
            yield manager
    except (InvalidModel, InvalidRequest, ModelUnavailable) as error:
        raise CommandError(Exit.MODEL, str(error)) from error


async def _look(settings: Settings, options: LoraOptions) -> AdapterCandidate:
    with err.status("Inspecting the LoRA"):
        async with _manager_of(settings) as manager:
            return await manager.candidate(
                options.source, name=options.name, weight=options.weight, trigger=options.trigger
            )


async def _add(settings: Settings, candidate: AdapterCandidate) -> Adapter:
    total, missing = candidate.inspection.total_bytes, candidate.inspection.download_bytes
    with progress_bar(candidate.name, total, total - missing) as update:
        if missing:
            err.print(f"Downloading {candidate.settings.source}")
        async with _manager_of(settings, create=True) as manager:
            return await stoppable(manager.add(candidate, update))


async def _own_file(settings: Settings, name: str) -> Path | None:
    """The source of a LoRA that was added, if it is a file of the owner's."""
    async with _manager_of(settings) as manager:
        path = Path(manager.catalogue.removable(name).source)
        return path if exists(path) else None


async def _remove(settings: Settings, name: str) -> int:
    async with _manager_of(settings) as manager:
        return await manager.remove(name)


def _describe(candidate: AdapterCandidate) -> None:
    found = candidate.inspection
    left = f"{human_size(found.download_bytes)} to download"
    rows = {
        "known as": candidate.same_as,
        "title": found.title,
        "family": FAMILIES[found.family].label if found.family else "doesn't show",
        "licence": candidate.licence or "not known",
        "size": f"{human_size(found.total_bytes)}, "
        + (left if found.download_bytes else "already on disk"),
        "words": candidate.settings.trigger or None,
    }
    out.print(f"{candidate.name}: {candidate.settings.source}", style="bold")
    for label, text in rows.items():
        if text:
            out.print(f"  {label:<10}{text}")
        if label == "licence":
            for warning in candidate.licence_warnings:
                out.print(f"  {'':10}{warning}", style="bold")
