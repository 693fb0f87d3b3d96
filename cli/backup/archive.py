"""The format of a backup: a ZIP archive with a manifest, the database, and more by choice."""

import json
import os
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated
from zipfile import ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cli.errors import CommandError
from cli.exits import Exit
from cli.program import version
from engine.models.added import DATABASE
from engine.store.snapshot import NEWEST_SCHEMA

FORMAT = 1
"""The number of the newest format that this program knows."""

MANIFEST, SETTINGS = "manifest.json", "config.toml"

PICTURES, LORAS = ("pictures", "uploads"), ("loras", "embeddings", "training")
"""The folders that are in a backup by choice."""

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)
"""What reading an archive raises that is damaged, encrypted, or was made by something else."""

MAX_TEXT = 1_000_000
"""Bytes of the manifest, and of the settings file, that are read."""

UNUSABLE = '\\:*?"<>|' if os.name == "nt" else "\\"
"""What no name has on this system, and a backslash."""

Line = Annotated[str, Field(pattern=r"^[ -~]{1,200}$")]
"""What can be shown on any terminal."""


class BadBackup(CommandError):
    """The file can't be restored; the text says why, and that nothing was changed."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(Exit.BACKUP, f"{file} {reason} Nothing was changed.")


class Manifest(BaseModel):
    """What a backup says of itself.

    Attributes:
        format: The number of its format.
        version: The version of the program that made it.
        schema_number: The number of its database's schema.
        created_at: When, in ISO 8601.
        folders: The folders that are in it, even if they are empty.
        tokens: Whether tokens were left in.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: int
    version: Line
    schema_number: int
    created_at: Line
    folders: tuple[str, ...] = ()
    tokens: bool = False


@dataclass(frozen=True, slots=True)
class Backup:
    """An open backup whose names and manifest have been checked."""

    file: Path
    archive: ZipFile
    manifest: Manifest

    @property
    def settings(self) -> str | None:
        """The text of the settings file. Raises `BadBackup`."""
        try:
            with self.archive.open(SETTINGS) as stream:
                return stream.read(MAX_TEXT).decode()
        except KeyError:
            return None
        except (*DAMAGE, OSError):
            raise BadBackup(self.file, "is damaged: its settings can't be read.") from None

    def open(self, member: ZipInfo) -> IO[bytes]:
        """One of its members for reading. Raises `BadBackup`."""
        try:
            return self.archive.open(member)
        except (*DAMAGE, OSError):  # it may begin where no file does
            raise self.damaged(member) from None

    def damaged(self, member: ZipInfo) -> BadBackup:
        """The error for a member that can't be read."""
        return BadBackup(self.file, f"is damaged: {member.filename!r} in it can't be read.")

    @property
    def members(self) -> list[ZipInfo]:
        """What belongs in the data folder."""
        aside = (MANIFEST, SETTINGS)
        return [each for each in self.archive.infolist() if each.filename not in aside]


@contextmanager
def open_backup(file: Path) -> Iterator[Backup]:
    """Open a backup for reading.

    Raises:
        BadBackup: It isn't one, is damaged or a newer version's, or has other files in it.
        CommandError: It can't be read.
    """
    try:
        archive = ZipFile(file)
    except DAMAGE:
        raise BadBackup(file, "isn't a backup of Atelier, or its end is missing.") from None
    except OSError as error:
        raise CommandError(Exit.BACKUP, f"{file} can't be read: {error.strerror}.") from None
    with archive:
        manifest = _manifest(file, archive)
        _check_names(file, archive, manifest.folders)
        yield Backup(file, archive, manifest)


def files_in_words(count: int) -> str:
    """“1 file”, “2 files”."""
    return f"{count} file" if count == 1 else f"{count} files"


def _manifest(file: Path, archive: ZipFile) -> Manifest:
    try:
        with archive.open(MANIFEST) as stream:
            value = json.loads(stream.read(MAX_TEXT))
    except KeyError:
        raise BadBackup(file, "isn't a backup of Atelier.") from None
    except (*DAMAGE, OSError):
        raise BadBackup(file, "is damaged: it doesn't say what it is.") from None
    made_by = value.get("version") if isinstance(value, dict) else None
    if not (isinstance(made_by, str) and made_by.isascii() and made_by.isprintable()):
        made_by = None
    try:
        manifest = Manifest.model_validate(value)
    except ValidationError:
        manifest = None
    numbers = (value.get("format"), value.get("schema_number")) if made_by else (None, None)
    known = (FORMAT, NEWEST_SCHEMA)
    if any(isinstance(x, int) and x > y for x, y in zip(numbers, known, strict=True)):
        raise BadBackup(
            file,
            f"was made by a newer version of Atelier ({made_by}; this is {version()}). Update "
            "first.",
        )
    folders = manifest.folders if manifest else ()
    if manifest is None or not {*folders} <= {*PICTURES, *LORAS}:
        raise BadBackup(file, "is damaged: it doesn't say what it is.")
    if DATABASE not in archive.namelist():
        raise BadBackup(file, "is damaged: it has no database.")
    return manifest


def _check_names(file: Path, archive: ZipFile, folders: Collection[str]) -> None:
    """Refuse an archive with a name that isn't a backup's, before anything of it is written."""
    names = archive.namelist()
    for info in archive.infolist():
        if not _belongs(info, folders):
            raise BadBackup(
                file,
                f"has something in it that doesn't belong in a data folder: {info.filename!r}.",
            )
        if info.flag_bits & 1 or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise BadBackup(file, "isn't a backup of Atelier.")
    if len({*names}) < len(names):
        raise BadBackup(file, "is damaged: it has a file twice.")


def _belongs(info: ZipInfo, folders: Collection[str]) -> bool:
    """Whether it is a plain file with a name that a backup with these folders has."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return False
    parts = info.filename.split("/")
    if len(parts) == 1:
        return info.filename in (MANIFEST, SETTINGS, DATABASE)
    return parts[0] in folders and all(map(_is_plain, parts))


def _is_plain(part: str) -> bool:
    """Whether it names a file or folder right below its parent."""
    return part not in ("", ".", "..") and not {*part} & {*UNUSABLE}
