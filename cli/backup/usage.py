"""`data`: what takes how much."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from cli.console import err, out, tables
from cli.hub.needs import needs
from cli.program import program
from cli.settings import Settings
from cli.writable import nearest_folder
from engine import StorageError, human_size
from engine.hub.cached import cached
from engine.models.added import DATABASE
from engine.sizes import size_of
from engine.store.snapshot import SIDES

KINDS = {
    "database": (DATABASE, *(DATABASE + side for side in SIDES)),
    "pictures": ("pictures",),
    "start images and masks": ("uploads",),
    "pictures of imagine": ("imagine",),
    "LoRAs and embeddings": ("loras", "embeddings"),
    "trainings": ("training",),
    "log": ("log",),
    "cache, which can be deleted": ("cache",),
}
"""What the data folder has in it, by kind."""


def show_usage(settings: Settings) -> None:
    """Print a table of what takes how much. Raises `StorageError`."""
    folder = settings.storage.path
    table = Table("", "size", "files", "where", box=None, pad_edge=False)
    with err.status("Counting"):
        try:
            for kind, files, place in _kinds(folder):
                table.add_row(kind, human_size(size_of(files)), f"{len(files):,}", str(place))
        except OSError as error:
            raise StorageError(f"{folder} can't be read: {error.strerror}.") from error
        for kind, size, where in _models(settings):
            table.add_row(kind, human_size(size), "", where)
    tables.print(table)
    free = shutil.disk_usage(nearest_folder(folder)).free
    out.print(f"{human_size(free)} free on the disk of the data folder", style="dim")


def _kinds(folder: Path) -> Iterator[tuple[str, list[Path], Path]]:
    """Each kind with its files, and the rest."""
    rest = set(_files(folder))
    for kind, names in KINDS.items():
        files = [file for name in names for file in _files(folder / name)]
        rest -= {*files}
        yield kind, files, folder / names[0]
    if rest:
        yield "other files there", sorted(rest), folder


def _files(place: Path) -> list[Path]:
    found = place.rglob("*") if place.is_dir() else [place]
    return [file for file in found if file.is_file()]


def _models(settings: Settings) -> Iterator[tuple[str, int, str]]:
    """What is in the Hugging Face cache: what the bot needs, and the rest."""
    if not (items := cached()):
        return
    needed = needs(settings)
    ours = sum(each.size for each in items if needed.get(each.name))
    where = f"the Hugging Face cache; {program()} hub cache lists it"
    yield "models", ours, where
    yield "not needed by the bot", sum(each.size for each in items) - ours, where
