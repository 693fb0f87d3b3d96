"""Finds the files of a dataset. Nothing outside of its folder is read."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.training.dataset.errors import InvalidDataset
from engine.training.dataset.names import named
from speech import say

MAX_PICTURES = 1000

MAX_ENTRIES = 20_000
"""Files and folders that are looked through; a folder with more isn't a dataset."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})

OTHER_PICTURES = frozenset({".heic", ".heif", ".avif", ".jxl"})

TEXTS = (".txt", ".caption")
"""Suffixes of captions beside pictures, in order of preference."""

TABLES = ("metadata.jsonl", "metadata.csv")
"""Files with the captions of a folder's pictures, as Hugging Face's ImageFolder has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFiles:
    """The files of a dataset, as sorted names relative to its folder, with `/`.

    Attributes:
        folder: Where they are.
        pictures: Those whose suffix is that of a picture.
        texts: Captions beside pictures, by what the name of their picture is without its suffix.
        tables: Captions of many pictures.
        warnings: What isn't used, in sentences.
    """

    folder: Path
    pictures: tuple[str, ...]
    texts: Mapping[str, Sequence[str]]
    tables: tuple[str, ...]
    warnings: tuple[str, ...]


def find_files(folder: Path) -> DatasetFiles:
    """The files of a dataset in a folder and those below it; hidden ones are passed over.

    Raises:
        InvalidDataset: When the folder can't be read, or holds too much.
    """
    _check(folder)
    root = os.path.realpath(folder)
    names: list[str] = []
    outside: list[str] = []
    closed: list[str] = []
    entries = 0

    def close(error: OSError) -> None:
        closed.append(_relative(Path(error.filename), folder))

    for where, folders, files in os.walk(folder, onerror=close):
        entries += len(folders) + len(files)
        if entries > MAX_ENTRIES:
            raise InvalidDataset(
                say(
                    "The folder {folder} holds far more than pictures. Put them into a folder of "
                    "their own.",
                    folder=folder,
                )
            )
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for path in (Path(where, name) for name in folders):
            if path.is_symlink():
                outside.append(_relative(path, folder))
        for path in (Path(where, name) for name in files if _is_used(name)):
            inside = Path(os.path.realpath(path)).is_relative_to(root)
            if not inside:
                outside.append(_relative(path, folder))
            elif path.is_file():
                names.append(_relative(path, folder))
    return _sorted_out(folder, sorted(names), sorted(outside), sorted(closed))


def stem(name: str) -> str:
    """A name without its suffix; what a picture shares with its caption."""
    return str(PurePosixPath(name).with_suffix(""))


def _check(folder: Path) -> None:
    try:
        os.scandir(folder).close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidDataset(
            say("The folder {folder} can't be read: {reason}.", folder=folder, reason=reason)
        ) from error


def _sorted_out(
    folder: Path, names: list[str], outside: list[str], closed: list[str]
) -> DatasetFiles:
    pictures = tuple(name for name in names if _suffix(name) in PICTURES)
    if len(pictures) > MAX_PICTURES:
        raise InvalidDataset(
            say(
                "The folder {folder} holds more than {most} pictures. Choose the best of them.",
                folder=folder,
                most=MAX_PICTURES,
            )
        )
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for suffix in TEXTS:
        for name in names:
            if _suffix(name) == suffix:
                texts[stem(name)].append(name)
    return DatasetFiles(
        folder=folder,
        pictures=pictures,
        texts=texts,
        tables=tuple(name for name in names if PurePosixPath(name).name in TABLES),
        warnings=tuple(
            _warnings(outside, closed, [name for name in names if _suffix(name) in OTHER_PICTURES])
        ),
    )


def _warnings(
    outside: Sequence[str], closed: Sequence[str], others: Sequence[str]
) -> Iterable[str]:
    if outside:
        yield say("These links lead elsewhere and are left out: {names}.", names=named(outside))
    if closed:
        yield say("These folders can't be read: {names}.", names=named(closed))
    if others:
        yield say(
            "Pictures of these formats can't be read: {names}. Save them as PNG or JPEG.",
            names=named(others),
        )


def _is_used(name: str) -> bool:
    suffix = _suffix(name)
    known = suffix in PICTURES or suffix in OTHER_PICTURES or suffix in TEXTS or name in TABLES
    return known and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    """Whether it's for programs: macOS puts such files beside pictures, and into archives."""
    return name.startswith(".") or name == "__MACOSX"


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
