"""What is in the Hugging Face cache, whoever put it there: repositories and Civitai's versions."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from engine.errors import ModelUnavailable
from engine.hub.civitai_disk import FOLDER as CIVITAI
from engine.hub.civitai_links import civitai_source
from engine.hub.http_download import PARTIAL_SUFFIX
from engine.hub.needed_files import is_being_written
from engine.hub.sources import Source
from speech import say

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space", "kernels": "kernel"}
"""Kinds of repositories, by how the names of their folders begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """Something in the cache.

    Attributes:
        name: `owner/name`, or `civitai:` and a version.
        kind: `model`, `dataset`, `space` or `kernel`.
        folder: Its folder.
        size: Bytes on disk, with those of unfinished downloads.
        last_used: When a file of it was last read, in seconds since 1970.
        partial: Whether a download is unfinished.
    """

    name: str
    kind: str
    folder: Path
    size: int
    last_used: float
    partial: bool


def name_in_cache(source: Source) -> str | None:
    """What a source is called in the cache; `None` if it is the owner's own."""
    return source.repo if source.civitai is None else civitai_source(source.civitai)


def cached() -> tuple[Cached, ...]:
    """Everything in the cache, the largest first; what is damaged, too. Blocks."""
    cache = Path(constants.HF_HUB_CACHE)
    if not cache.is_dir():
        return ()
    found = (_cached(folder, name, kind) for folder, name, kind in _folders(cache))
    return tuple(sorted(found, key=lambda each: (-each.size, each.name)))


def remove_cached(item: Cached) -> int:
    """Delete something from the cache. Blocks.

    Returns:
        Bytes that were freed: of a link to a folder elsewhere, none.

    Raises:
        ModelUnavailable: It's being downloaded, or can't be deleted.
    """
    if is_being_written(item.folder):
        raise ModelUnavailable(
            say("“{name}” is being downloaded. Stop that first.", name=item.name)
        )
    try:
        if item.folder.is_symlink():
            item.folder.unlink()
            return 0
        cache = scan_cache_dir(constants.HF_HUB_CACHE)
        commits = [
            revision.commit_hash
            for repo in cache.repos
            if repo.repo_path.name == item.folder.name and item.kind == repo.repo_type
            for revision in repo.revisions
        ]
        if commits:
            cache.delete_revisions(*commits).execute()
        if item.folder.exists():
            shutil.rmtree(item.folder)
    except (OSError, CacheNotFound) as error:
        raise ModelUnavailable(
            say("“{name}” can't be removed: {reason}.", name=item.name, reason=str(error))
        ) from error
    return item.size


def _folders(cache: Path) -> Iterator[tuple[Path, str, str]]:
    for folder in cache.iterdir():
        kind, *parts = folder.name.split("--")
        if kind in KINDS and any(parts) and folder.is_dir():
            yield folder, "/".join(parts), KINDS[kind]
    if (cache / CIVITAI).is_dir():
        for folder in (cache / CIVITAI).iterdir():
            if folder.name.isdecimal() and folder.is_dir():
                yield folder, civitai_source(int(folder.name)), "model"


def _cached(folder: Path, name: str, kind: str) -> Cached:
    size, last_used, partial = 0, 0.0, False
    for file in _files(folder):
        try:
            facts = file.stat()
        except OSError:
            continue
        size += facts.st_size
        last_used = max(last_used, facts.st_atime)
        partial = partial or file.name.endswith(PARTIAL_SUFFIX)
    return Cached(
        name=name, kind=kind, folder=folder, size=size, last_used=last_used, partial=partial
    )


def _files(folder: Path) -> Iterable[Path]:
    """The files that take up room: blobs, and on systems without links the snapshots' own."""
    return (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
