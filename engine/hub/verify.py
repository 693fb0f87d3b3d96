"""Verifies the files of a model on disk, and removes them from the cache."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from huggingface_hub import constants, scan_cache_dir

from engine.errors import ModelUnavailable
from engine.hub.civitai_disk import delete_civitai
from engine.hub.client import HubClient
from engine.hub.damage import damage_of, digest_in_cache
from engine.hub.errors import CorruptFile
from engine.hub.http_download import CHUNK, PARTIAL_SUFFIX, digest_for
from engine.hub.local_files import files_of, partial_bytes, place_of, repo_cache
from engine.hub.manifest import manifests_of
from engine.hub.presence import Presence, disk_usage, sources_of
from engine.hub.source_files import read_tensors
from engine.hub.sources import Origin, Source
from speech import say


def verify(
    origin: Origin,
    hub: HubClient | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[str, ...]:
    """Check the files of a model on disk; returns a sentence for each flaw.

    Files from the Hub are compared with the hash that the Hub gave for them, which is their name in
    the cache. The owner's own files are compared with the length in their header. Blocks while it
    reads everything.

    Args:
        origin: What the model is made from.
        hub: If given, asked which files and hashes there should be; otherwise nothing leaves this
            machine.
        on_progress: Called with the bytes read so far and those of all files.

    Raises:
        ModelUnavailable: None of it is on disk, or the Hub can't be reached.
    """
    state = disk_usage(origin)
    if state.presence is Presence.ABSENT:
        raise ModelUnavailable(
            say("“{source}” isn't downloaded: it has no files here.", source=origin.source.text)
        )
    expected = _expected_digests(origin, hub) if hub is not None else {}
    return (
        *(
            say("“{source}” is missing {lack}.", source=origin.source.text, lack=lack)
            for lack in state.lacks
        ),
        *state.errors,
        *(sentence for _, sentence in _flawed_files(origin, expected, on_progress)),
    )


def discard_flawed(origin: Origin, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Delete the cached files of a model that don't match their hash, so that they are missing.

    Blocks while it reads everything; `on_progress` is as in `verify`.
    """
    for path, _ in list(_flawed_files(origin, {}, on_progress)):
        if path.is_symlink():
            path.resolve().unlink(missing_ok=True)
            path.unlink()


def _flawed_files(
    origin: Origin,
    expected: Mapping[tuple[str, str], str],
    on_progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[Path, str]]:
    """The files that don't match their hash, each with a sentence.

    Files that are damaged by themselves aren't among them: `disk_usage` has their sentences.
    """
    files = [
        (source, name, path)
        for source in sources_of(origin)
        for name, path in _files_on_disk(source, own_denoiser=origin.denoiser is None).items()
        if damage_of(path) is None
    ]
    total = sum(path.stat().st_size for _, _, path in files)
    done = 0
    for source, name, path in files:
        before = done

        def read(size: int, before: int = before) -> None:
            if on_progress is not None:
                on_progress(before + size, total)

        digest = expected.get((source.text, name)) or digest_in_cache(path)
        if flaw := _flaw(path, name, digest, read):
            yield path, flaw
        done += path.stat().st_size


def _files_on_disk(source: Source, own_denoiser: bool) -> dict[str, Path]:
    try:
        return files_of(source, own_denoiser=own_denoiser)
    except ModelUnavailable:
        return {}


def _expected_digests(origin: Origin, hub: HubClient) -> dict[tuple[str, str], str]:
    """The Hub's hashes by source and path."""
    return {
        (manifest.source.text, file.path): file.digest
        for manifest in manifests_of(origin, hub)
        for file in manifest.files
    }


def _flaw(path: Path, name: str, digest: str | None, read: Callable[[int], None]) -> str | None:
    """What is wrong with a file; a truncated one is found by its header, before it is hashed."""
    if path.suffix.lower() == ".gguf":
        try:
            read_tensors(path)
        except CorruptFile as error:
            return error.sentence
    if digest is None:
        return None
    found = digest_for(digest, path.stat().st_size)
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            done += len(chunk)
            read(done)
    if found.hexdigest() == digest:
        return None
    return say(
        "{file} doesn't match its checksum. Download it again.",
        file=name,
    )


def delete_files(origin: Origin) -> int:
    """Delete a model from the Hugging Face cache; the owner's own files are never touched.

    Of a pipeline the whole revision is deleted, of a single file that file. Files that another
    revision needs stay, and so do the few megabytes of a checkpoint's base, since other checkpoints
    need them too.

    Returns:
        How many bytes were freed.

    Raises:
        ModelUnavailable: Its folder in the cache is damaged.
    """
    return sum(_remove(source) for source in origin if source.is_remote)


def _remove(source: Source) -> int:
    if source.civitai is not None:
        return delete_civitai(source.civitai)
    assert source.repo is not None, "the owner's own files are never touched"
    place = place_of(source)
    freed = partial_bytes(source)
    _delete_partial_files(repo_cache(source.repo))
    _delete_broken_links(repo_cache(source.repo))
    if place is None:
        return freed
    cache = scan_cache_dir(constants.HF_HUB_CACHE)
    place = Path(constants.HF_HUB_CACHE).resolve() / place.relative_to(constants.HF_HUB_CACHE)
    revisions = (revision for repo in cache.repos for revision in repo.revisions)
    revision = next((one for one in revisions if place.is_relative_to(one.snapshot_path)), None)
    if revision is None:
        raise ModelUnavailable(
            say(
                "The folder of “{repo}” in the Hugging Face cache is damaged, so nothing in it was "
                "deleted. “hub cache --remove {repo}” deletes all of it.",
                repo=source.repo,
            )
        )
    single = [file for file in revision.files if file.file_path == place]
    if single and len(revision.files) > 1:
        deletion = cache.delete_files(*single)
    else:
        deletion = cache.delete_revisions(revision.commit_hash)
    deletion.execute()
    return freed + deletion.expected_freed_size


def _delete_broken_links(folder: Path) -> None:
    """Delete links to blobs and names of revisions that are gone.

    The Hub's client doesn't list a repository with any.
    """
    for link in folder.glob("snapshots/**/*"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    for ref in folder.glob("refs/**/*"):
        if ref.is_file() and not (folder / "snapshots" / ref.read_text(errors="replace")).exists():
            ref.unlink()


def _delete_partial_files(folder: Path) -> None:
    """Delete what unfinished downloads left in a repository's folder of the cache."""
    for file in folder.glob(f"blobs/*{PARTIAL_SUFFIX}"):
        file.unlink()
    if not any(folder.glob("snapshots/*")):
        shutil.rmtree(folder, ignore_errors=True)
