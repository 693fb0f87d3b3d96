"""`backup`: writes a copy of the data folder into one file, also while the bot runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from cli.backup.archive import (
    FORMAT,
    LORAS,
    MANIFEST,
    PICTURES,
    SETTINGS,
    Manifest,
    files_in_words,
)
from cli.backup.settings_text import without_tokens
from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.program import version
from cli.settings import Settings
from engine import StorageError, human_size
from engine.atomic_write import PARTIAL, unfinished
from engine.local_paths import exists
from engine.models.added import DATABASE
from engine.private_files import private_file
from engine.store.snapshot import SIDES, check_database, copy_database

COPY = ".db"
"""What the name of the copy of the database has after that of the unfinished backup."""


class Choices(NamedTuple):
    """What goes into a backup besides the database and the settings file.

    Attributes:
        pictures: Whether finished pictures and start images do.
        loras: Whether the files in the folders of LoRAs and embeddings do.
        tokens: Whether tokens stay in the settings file and the database.
        replace: Whether an existing file is replaced.
    """

    pictures: bool = False
    loras: bool = False
    tokens: bool = False
    replace: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that are chosen."""
        return PICTURES * self.pictures + LORAS * self.loras


def backup(settings: Settings, config: Path | None, file: Path, choices: Choices) -> None:
    """Write a backup, completely or not at all.

    Args:
        settings: The settings.
        config: The file that they were read from.
        file: The file to write.
        choices: What goes into it.

    Raises:
        CommandError: When the file exists or can't be written.
        StorageError: When the database can't be read.
    """
    folder = settings.storage.path
    if not exists(folder / DATABASE):
        raise CommandError(
            Exit.STORAGE,
            f"There's nothing to back up: {folder / DATABASE} isn't there, or isn't yours.",
        )
    if exists(file) and not (file.is_file() and choices.replace):
        hint = "Add --replace to replace it" if file.is_file() else "It isn't a file"
        raise CommandError(Exit.USAGE, f"{file} already exists. {hint}.")
    text = _settings_text(config, choices)
    sides = [COPY + side for side in ("", *SIDES)]
    try:
        with err.status("Backing up"), unfinished(file, *sides) as stream:
            copy = Path(stream.name + COPY)
            private_file(copy)
            schema = copy_database(folder / DATABASE, copy, tokens=choices.tokens)
            _check(copy, folder / DATABASE)
            count = _write(stream, copy, text, folder, _manifest(schema, choices))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CommandError(
            Exit.OUTPUT,
            f"The backup can't be made: {where}{error.strerror}. Nothing was left behind.",
        ) from error
    files = f" and {files_in_words(count)}" if choices.folders else ""
    out.print(
        f"✓ Backed up the database{files} to {file}, {human_size(file.stat().st_size)}.",
        style="green",
    )
    if not choices.tokens:
        out.print("Tokens aren't in it.")


def _check(copy: Path, database: Path) -> None:
    """Refuse what couldn't be restored."""
    try:
        check_database(copy)
    except StorageError as error:
        raise StorageError(f"{database} is damaged; keep your last backup. {error}") from error


def _settings_text(config: Path | None, choices: Choices) -> str | None:
    if config is None:
        return None
    text = config.read_text("utf-8-sig")
    return text if choices.tokens else without_tokens(config, text)


def _manifest(schema: int, choices: Choices) -> Manifest:
    return Manifest(
        format=FORMAT,
        version=version(),
        schema_number=schema,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        folders=choices.folders,
        tokens=choices.tokens,
    )


def _write(
    stream: BinaryIO, database: Path, settings: str | None, folder: Path, manifest: Manifest
) -> int:
    """Write the archive; how many files of the folders are in it."""
    count = 0
    with ZipFile(stream, "w", strict_timestamps=False) as archive:
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        if settings is not None:
            archive.writestr(SETTINGS, settings)
        archive.write(database, DATABASE, ZIP_DEFLATED)
        for file in _files(folder, manifest.folders):
            try:
                archive.write(file, file.relative_to(folder).as_posix(), ZIP_STORED)
            except FileNotFoundError:  # it was deleted meanwhile
                continue
            except UnicodeEncodeError:
                raise CommandError(
                    Exit.OUTPUT,
                    f"The backup can't be made: the name of {str(file)!r} isn't text. Rename "
                    "the file. Nothing was left behind.",
                ) from None
            count += 1
    return count


def _files(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        for file in sorted((folder / name).rglob("*")):
            if file.is_file() and not file.name.endswith(PARTIAL):
                yield file
