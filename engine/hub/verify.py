"""What is done with models that are on disk: their bytes are checked, or their room is freed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import constants, scan_cache_dir

from engine.errors import ModelUnavailable
from engine.hub.client import HubClient
from engine.hub.errors import CorruptFile
from engine.hub.http_download import PIECE, digest_for
from engine.hub.local_files import UNFINISHED, begun_bytes, files_of, place_of, repo_cache
from engine.hub.manifest import manifests_of
from engine.hub.presence import Presence, disk_usage, sources_of
from engine.hub.source_files import read_tensors
from engine.hub.sources import Origin, Source
from speech import say

HASHES = frozenset({40, 64})
"""Digits of Git's SHA-1 and of SHA-256: what the cache names files by."""

WITH_HEADER = frozenset({".safetensors", ".gguf"})


def verify(
    origin: Origin, hub: HubClient | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[str, ...]:
    """Check the files of a model on disk; one sentence for each that is not as it should be.

    What came from the Hub is compared with the hash that the Hub gave for it, which the cache keeps
    as the name of the bytes. An owner's own files are compared with the length that their header
    gives. Blocks while it reads everything.

    Args:
        origin: What the model is made from.
        hub: Where given, the Hub is asked which files and hashes there should be; otherwise nothing
            leaves this machine.
        progress: Called with the bytes read so far, and those of all files.

    Raises:
        ModelUnavailable: Nothing of it is on disk, or the Hub was to be asked and cannot be.
    """
    state = disk_usage(origin)
    if state.presence is Presence.ABSENT:
        raise ModelUnavailable(
            say("“{source}” isn't downloaded: it has no files here.", source=origin.source.text)
        )
    promised = _promised(origin, hub) if hub is not None else {}
    files = [
        (source, name, path)
        for source in sources_of(origin)
        for name, path in _there(source, own_denoiser=origin.denoiser is None).items()
    ]
    total = sum(path.stat().st_size for _, _, path in files)
    done = 0
    flaws: list[str] = [
        say("“{source}” is missing {lack}.", source=origin.source.text, lack=lack)
        for lack in state.lacks
    ]
    flaws.extend(state.errors)
    for source, name, path in files:
        before = done

        def read(size: int, before: int = before) -> None:
            if progress is not None:
                progress(before + size, total)

        digest = promised.get((source.text, name)) or _kept_digest(path)
        if flaw := _flaw(path, name, digest, read):
            flaws.append(flaw)
        done += path.stat().st_size
    return tuple(flaws)


def _there(source: Source, own_denoiser: bool) -> dict[str, Path]:
    try:
        return files_of(source, own_denoiser=own_denoiser)
    except ModelUnavailable:
        return {}


def _promised(origin: Origin, hub: HubClient) -> dict[tuple[str, str], str]:
    """Hash by source and path, as the Hub says them."""
    return {
        (manifest.source.text, file.path): file.digest
        for manifest in manifests_of(origin, hub)
        for file in manifest.files
    }


def _kept_digest(path: Path) -> str | None:
    """The hash by which the cache has named the bytes of that file, where it has."""
    if not path.is_symlink():
        return None
    name = Path(os.readlink(path)).name
    return name if len(name) in HASHES else None


def _flaw(path: Path, name: str, digest: str | None, read: Callable[[int], None]) -> str | None:
    """What is wrong with a file; a truncated one is told by its header, before it is hashed."""
    if path.suffix.lower() in WITH_HEADER:
        try:
            read_tensors(path)
        except CorruptFile as error:
            return error.sentence
    if digest is None:
        return None
    found = digest_for(digest, path.stat().st_size)
    done = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
            done += len(piece)
            read(done)
    if found.hexdigest() == digest:
        return None
    return say(
        "{file} doesn't match the Hub's checksum. Remove the model and download it again.",
        file=name,
    )


def remove(origin: Origin) -> int:
    """Free what a model takes in the Hugging Face cache; its owner's own files are never touched.

    Of a pipeline on the Hub its revision goes, whichever variant or model uses it; of a single
    file that file. Bytes that another revision needs stay, and so do the few megabytes that a
    checkpoint goes with, since others of its generation go with them, too.

    Returns:
        How many bytes were freed.
    """
    return sum(_remove(source) for source in origin if source.repo is not None)


def _remove(source: Source) -> int:
    assert source.repo is not None, "the owner's own files are never touched"
    place = place_of(source)
    freed = begun_bytes(source.repo)
    _sweep(repo_cache(source.repo))
    if place is None:
        return freed
    cache = scan_cache_dir(constants.HF_HUB_CACHE)
    revision = next(
        revision
        for repo in cache.repos
        for revision in repo.revisions
        if revision.snapshot_path in place.parents or revision.snapshot_path == place
    )
    own = [file for file in revision.files if file.file_path == place]
    if own and len(revision.files) > 1:
        plan = cache.delete_files(*own)
    else:
        plan = cache.delete_revisions(revision.commit_hash)
    plan.execute()
    return freed + plan.expected_freed_size


def _sweep(folder: Path) -> None:
    """Delete what unfinished downloads have left in a repository's part of the cache."""
    for file in folder.glob(f"blobs/*{UNFINISHED}"):
        file.unlink()
    if not any(folder.glob("snapshots/*")):
        shutil.rmtree(folder, ignore_errors=True)
