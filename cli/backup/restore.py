"""`restore`: puts a backup into a data folder, completely or not at all."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cli.backup.archive import DAMAGE, SETTINGS, Backup, BadBackup, files_in_words, open_backup
from cli.backup.swap import Swap, finish_swaps
from cli.console import err, out
from cli.errors import CommandError, SettingsError
from cli.exits import Exit
from cli.program import program
from cli.settings import DEFAULT_FILE, load_settings, settings_file, settings_from
from cli.writable import why_not_writable
from engine import StorageError, human_size, lock_folder
from engine.atomic_write import BINARY
from engine.local_paths import exists
from engine.models.added import DATABASE
from engine.private_files import FILE, private_folder
from engine.store.snapshot import NEWEST_SCHEMA, SIDES, check_database

SPARE = 50_000_000
"""Bytes of the disk that have to stay free."""


class Target(NamedTuple):
    """Where a backup goes.

    Attributes:
        folder: The data folder.
        settings: The settings file to write, and what is in it; `None` if there is one already.
    """

    folder: Path
    settings: tuple[Path, bytes] | None = None


def restore(file: Path, config: Path | None, *, replace: bool) -> None:
    """Restore a backup.

    Args:
        file: The backup.
        config: The settings file; the backup's is written there if there is none.
        replace: Whether to replace what the data folder has of what is in the backup.

    Raises:
        CommandError: When it can't be restored; nothing was changed then.
        StorageError: When the data folder is in use, or can't be written to.
    """
    with open_backup(file) as backup:
        target = _target(backup, config)
        folder = target.folder
        with lock_folder(folder):
            finish_swaps(folder)
            parts = (DATABASE, *backup.manifest.folders)
            _check_room(backup, folder, parts, replace=replace)
            swap = Swap(folder)
            try:
                with err.status("Restoring"):
                    _extract(backup, swap.staged)
                    _check_database(backup, swap.staged / DATABASE)
                    swap.carry_out([DATABASE + side for side in SIDES], target.settings)
            except OSError as error:
                raise StorageError(
                    f"{folder} can't be written to: {error.strerror}. Nothing was changed."
                ) from error
            finally:
                swap.clean_up()
        _tell(backup, target)


def _target(backup: Backup, config: Path | None) -> Target:
    """Where it goes: as the settings here say, or those in the backup if there are none."""
    here = config or DEFAULT_FILE
    text = None if exists(here) else backup.settings
    if text is None:
        return Target(load_settings(settings_file(config)).storage.path)
    if (reason := why_not_writable(here.absolute().parent)) is not None:
        raise StorageError(f"{here} can't be written: {reason}.")
    try:
        settings = settings_from(text, here)
    except SettingsError as error:
        raise SettingsError(
            *error.problems,
            f"Those are the settings in {backup.file}; they are left out if you write {here} "
            "first. Nothing was changed.",
        ) from None
    return Target(settings.storage.path, (here, text.encode()))


def _check_room(backup: Backup, folder: Path, parts: Sequence[str], *, replace: bool) -> None:
    """Refuse before anything is written what would replace something, or doesn't fit."""
    taken = [part for part in parts if _is_taken(folder / part)]
    if taken and not replace:
        raise CommandError(
            Exit.USAGE,
            f"{folder} already has {' and '.join(taken)}. Add --replace to replace that with "
            "what is in the backup.",
        )
    needed = sum(each.file_size for each in backup.members)
    free = shutil.disk_usage(folder).free - SPARE
    if needed > free:
        raise CommandError(
            Exit.STORAGE,
            f"The backup needs {human_size(needed)} in {folder}, and {human_size(max(0, free))} "
            "are free there. Nothing was changed.",
        )


def _is_taken(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else exists(place)


def _extract(backup: Backup, staged: Path) -> None:
    for folder in ("", *backup.manifest.folders):
        private_folder(staged / folder)
    for info in backup.members:
        place = staged.joinpath(*info.filename.split("/"))
        private_folder(place.parent)
        handle = os.open(place, os.O_CREAT | os.O_WRONLY | os.O_EXCL | BINARY, FILE)
        with os.fdopen(handle, "wb") as stream, backup.open(info) as source:
            try:
                shutil.copyfileobj(source, stream, 1 << 20)
            except DAMAGE:
                raise backup.damaged(info) from None
            stream.flush()
            os.fsync(stream.fileno())


def _check_database(backup: Backup, database: Path) -> None:
    try:
        schema = check_database(database)
    except StorageError:
        raise BadBackup(backup.file, "is damaged: its database can't be read.") from None
    if schema > NEWEST_SCHEMA:
        raise BadBackup(backup.file, "has a newer version's database in it. Update first.")


def _tell(backup: Backup, target: Target) -> None:
    manifest = backup.manifest
    count = len(backup.members) - 1
    files = f" and {files_in_words(count)}" if manifest.folders else ""
    out.print(
        f"✓ Restored the database{files} of {manifest.created_at} into {target.folder}.",
        style="green",
    )
    if target.settings:
        out.print(f"✓ Wrote {target.settings[0]}.", style="green")
    elif SETTINGS in backup.archive.namelist():
        out.print(f"Your settings file was kept. The backup's is {SETTINGS} in {backup.file}.")
    if not manifest.tokens:
        out.print(f"The backup has no tokens. {program()} check says which are missing.")
