"""What the loopback Hub holds: repositories, made from folders."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.hub_server.faults import Fault

LARGE = frozenset({".safetensors", ".gguf", ".bin", ".ckpt"})
"""Endings of files that are kept in LFS, as the Hub's `.gitattributes` has it."""


@dataclass(frozen=True)
class StoredFile:
    """A file and the names that the Hub has for its bytes."""

    path: str
    content: bytes

    @property
    def is_large(self) -> bool:
        return Path(self.path).suffix in LARGE

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def blob_id(self) -> str:
        """Git's name for the file; for a large one, of the pointer that stands for it."""
        content = self.content
        if self.is_large:
            content = (
                "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
            ).encode()
        return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_large else self.blob_id

    def sibling(self) -> dict[str, Any]:
        """As the answer about the whole repository has it."""
        entry: dict[str, Any] = {
            "rfilename": self.path,
            "size": len(self.content),
            "blobId": self.blob_id,
        }
        if self.is_large:
            entry["lfs"] = {"sha256": self.sha256, "size": len(self.content), "pointerSize": 134}
        return entry

    def leaf(self) -> dict[str, Any]:
        """As the listing of the tree has it."""
        entry: dict[str, Any] = {
            "type": "file",
            "path": self.path,
            "size": len(self.content),
            "oid": self.blob_id,
        }
        if self.is_large:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": 134}
        return entry


@dataclass
class Repository:
    """A model on the Hub.

    Attributes:
        name: `owner/name`.
        files: By their path.
        card: Head of its model card.
        gated: Whether its terms must have been accepted.
        faults: How files come wrong, by their path.
        branches: Names that stand for its commit.
        private: Whether only its owners see it.
    """

    name: str
    files: dict[str, StoredFile]
    card: dict[str, Any] = field(default_factory=dict)
    gated: bool = False
    faults: dict[str, Fault] = field(default_factory=dict)
    branches: tuple[str, ...] = ("main",)
    private: bool = False

    @property
    def commit(self) -> str:
        """Forty digits that change with any file."""
        listing = "".join(f"{file.etag} {path}\n" for path, file in sorted(self.files.items()))
        return hashlib.sha1(listing.encode()).hexdigest()

    def has(self, revision: str) -> bool:
        return revision in self.branches or revision == self.commit

    def put(self, path: str, content: bytes) -> None:
        """Add a file, or replace one; a new commit."""
        self.files[path] = StoredFile(path, content)

    @classmethod
    def of(cls, name: str, folder: Path) -> "Repository":
        """All files of a folder."""
        files = (file for file in sorted(folder.rglob("*")) if file.is_file())
        repository = cls(name, {})
        for file in files:
            repository.put(file.relative_to(folder).as_posix(), file.read_bytes())
        return repository
