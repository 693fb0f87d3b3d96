"""Captions of pictures: texts beside them, and tables of whole folders."""

import csv
import io
import json
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.training.dataset.files import DatasetFiles, stem
from engine.training.dataset.names import listed, named, shown
from speech import say

MAX_TEXT = 20_000
"""Bytes of a caption; no text encoder reads a tenth of it."""

MAX_TABLE = 20_000_000
"""Bytes of a table, which is `MAX_TEXT` for every picture that a dataset may have."""

MAX_REPEATS = 999


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture shows, on one line.

    Attributes:
        text: Empty if the table has no text for it.
        repeats: How often the picture is shown in an epoch, if the table says so.
    """

    text: str
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Captions:
    """Captions by the names of their pictures, and what is wrong with others, in sentences."""

    by_picture: Mapping[str, Caption]
    warnings: tuple[str, ...]


def read_captions(files: DatasetFiles) -> Captions:
    """The captions of a dataset. Of several for one picture, that of a table is the first."""
    reader = _Reader(files)
    for table in files.tables:
        reader.read_table(table)
    for texts in files.texts.values():
        for text in texts:
            reader.read_text(text)
    by_picture = {name: captions[0] for name, captions in reader.found.items()}
    return Captions(by_picture, tuple(reader.warnings()))


class _Reader:
    """Collects captions, and what is wrong with others."""

    def __init__(self, files: DatasetFiles) -> None:
        self._files = files
        self._pictures = {_composed(name): name for name in files.pictures}
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for name in files.pictures:
            self._by_stem[stem(name)].append(name)
        self.found: defaultdict[str, list[Caption]] = defaultdict(list)
        self._garbled: list[str] = []
        self._without_picture: list[str] = []
        self._broken: defaultdict[str, list[int]] = defaultdict(list)

    def read_text(self, name: str) -> None:
        """A caption beside its picture."""
        pictures = self._by_stem.get(stem(name))
        if pictures is None:
            self._without_picture.append(name)
        elif (text := self._decoded(name, MAX_TEXT)) is not None:
            for picture in pictures:
                self.found[picture].append(Caption(_on_one_line(text)))

    def read_table(self, name: str) -> None:
        """Captions of the pictures in the table's folder and below it."""
        text = self._decoded(name, MAX_TABLE)
        rows = _json_rows if name.endswith(".jsonl") else _csv_rows
        for line, row in rows(text or ""):
            match row:
                case {"file_name": str(file), "text": str(caption)} if _is_valid(caption):
                    self._add(posixpath.dirname(name), file, caption, row.get("repeats"))
                case _:
                    self._broken[name].append(line)

    def _add(self, folder: str, file: str, text: str, repeats: Any) -> None:
        path = posixpath.normpath(posixpath.join(folder, file.replace("\\", "/")))
        picture = self._pictures.get(_composed(path))
        if picture is None:
            self._without_picture.append(file)
            return
        self.found[picture].append(Caption(_on_one_line(text), _repeats(repeats)))

    def _decoded(self, name: str, most: int) -> str | None:
        """The text of a file; `None` if it isn't UTF-8, too long, or can't be read."""
        try:
            with (self._files.folder / name).open("rb") as file:
                data = file.read(most + 1)
            text = data.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            text = "\0"
        if "\0" in text or len(data) > most:
            self._garbled.append(name)
            return None
        return text

    def warnings(self) -> Iterator[str]:
        """What is wrong, in sentences."""
        if self._garbled:
            yield say(
                "These captions are too long or not UTF-8 text, and are left out: {names}.",
                names=named(self._garbled),
            )
        for table, lines in self._broken.items():
            yield say(
                "In {file}, these lines have no “file_name” and “text”, and are left out: {lines}.",
                file=shown(table),
                lines=listed(map(str, lines)),
            )
        if self._without_picture:
            yield say(
                "There's no picture for these captions: {names}.",
                names=named(self._without_picture),
            )
        several = [
            name for name, captions in self.found.items() if len({c.text for c in captions}) > 1
        ]
        if several:
            yield say(
                "These pictures have more than one caption; the first is used, of metadata.jsonl, "
                "metadata.csv, .txt and .caption: {names}.",
                names=named(several),
            )
        shared = [
            name
            for key in self._files.texts
            if len(names := self._by_stem.get(key, [])) > 1
            for name in names
        ]
        if shared:
            yield say(
                "These pictures have the same name and so the same caption: {names}.",
                names=named(shared),
            )


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    """The lines of a JSON Lines file with their numbers; `None` for what isn't JSON."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, None


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    """The rows of a CSV file with the numbers of their lines; `None` where it stops being one."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error:
        yield rows.line_num, None


def _is_valid(text: str) -> bool:
    """Whether it can be written again; JSON may have halves of characters."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _repeats(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(number, 1), MAX_REPEATS)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _composed(name: str) -> str:
    """The name as most programs write it; macOS takes letters and their accents apart."""
    return unicodedata.normalize("NFC", name)
