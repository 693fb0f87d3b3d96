"""Which files a model needs from the Hub, and which of them are missing."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import constants, hf_hub_download, hf_raise_for_status

from engine.errors import ModelUnavailable
from engine.hub.base_models import base_in, base_of
from engine.hub.civitai_files import CHECKPOINT, CivitaiManifest, civitai_manifest
from engine.hub.client import ERRORS, TIMEOUT, HubClient, RemoteFile, RepoListing
from engine.hub.damage import HASHED, has_digest
from engine.hub.errors import explain_hub_error
from engine.hub.local_files import place_of, repo_cache
from engine.hub.needed_files import NeededFiles
from engine.hub.pipeline_layout import (
    CARD,
    INDEX,
    PipelineLayout,
    index_among,
    layout_of,
)
from engine.hub.presence import Presence, disk_usage_of_source
from engine.hub.single_file import classify
from engine.hub.sources import PICKLES, Origin, Source, SourceKind
from speech import AND, join_list, say

LINKS = 8
"""How many files are linked in the cache at the same time; each asks the Hub once."""

MAX_HINTED = 4
"""The most files that a hint names."""


@dataclass(frozen=True, slots=True)
class Manifest(NeededFiles):
    """What one source needs from the Hub.

    Attributes:
        source: The source.
        listing: Its repository, at one commit.
        files: The files that are needed.
        layout: Of a pipeline, which files belong to which component.
    """

    source: Source
    listing: RepoListing
    files: tuple[RemoteFile, ...]
    layout: PipelineLayout | None = None

    @property
    def missing(self) -> tuple[RemoteFile, ...]:
        """The files that aren't in the cache, none twice."""
        blobs = {file.digest: file for file in self.files}
        return tuple(file for file in blobs.values() if not self._in_cache(file))

    @property
    def folder(self) -> Path:
        return repo_cache(self.listing.repo)

    def blob(self, file: RemoteFile) -> Path:
        """Where the cache keeps the bytes of a file."""
        return self.folder / "blobs" / file.digest

    def request(self, file: RemoteFile, hub: HubClient) -> tuple[str, Mapping[str, str]]:
        """The address of a file, and the headers to ask with."""
        return hub.url(self.listing.repo, file.path, self.listing.commit), hub.headers

    def check(self, response: Any, hub: HubClient) -> None:
        """Raise what the Hub's client raises at a refusal."""
        hf_raise_for_status(response)

    def explain(self, error: BaseException) -> ModelUnavailable:
        """The error with a sentence for what was raised while downloading."""
        return explain_hub_error(error, self.listing.repo)

    def discard_damaged(self) -> None:
        """Delete what stands in the cache for these files and isn't them."""
        for file in self.files:
            for path in (self.blob(file), self._in_snapshot(file)):
                if (path.is_symlink() or path.is_file()) and not _is_intact(path, file):
                    path.unlink()

    def link(self, hub: HubClient) -> None:
        """Have the Hub's client link the files in the cache, and store the revision's commit.

        Raises:
            ModelUnavailable: The Hub doesn't answer.
        """

        def link_file(file: RemoteFile, revision: str) -> None:
            hf_hub_download(
                self.listing.repo,
                file.path,
                revision=revision,
                endpoint=hub.endpoint,
                token=hub.token,
                etag_timeout=TIMEOUT,
            )

        try:
            with ThreadPoolExecutor(LINKS) as threads:
                list(threads.map(link_file, self.files, repeat(self.listing.commit)))
            link_file(self.files[0], self.source.revision or constants.DEFAULT_REVISION)
        except ERRORS as error:
            raise self.explain(error) from error

    def _in_cache(self, file: RemoteFile) -> bool:
        """Whether it is a blob, or in the snapshot itself on a file system without links."""
        return _is_intact(self.blob(file), file) or _is_intact(self._in_snapshot(file), file)

    def _in_snapshot(self, file: RemoteFile) -> Path:
        return self.folder / "snapshots" / self.listing.commit / file.path


def _is_intact(path: Path, file: RemoteFile) -> bool:
    """Whether `path` has the size of `file`, and if that is small, its hash."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return file.size > HASHED or not file.digest or has_digest(path, file.digest)


AnyManifest = Manifest | CivitaiManifest


def manifests_of(origin: Origin, hub: HubClient) -> tuple[AnyManifest, ...]:
    """What the sources of `origin` need from the Hub, which is asked once for each.

    A checkpoint also needs its base, unless that is on disk.

    Raises:
        ModelUnavailable: One of them doesn't exist or is incomplete, or the Hub can't be reached.
    """
    manifests: list[AnyManifest] = [
        manifest_of(source, hub, own_denoiser=origin.denoiser is None)
        if source.civitai is None
        else civitai_manifest(source, hub, (CHECKPOINT,))
        for source in origin
        if source.is_remote
    ]
    base = base_in(origin.source, place_of(origin.source)) or _base_on_hub(manifests[:1], hub)
    if base is not None and disk_usage_of_source(base).presence is not Presence.COMPLETE:
        manifests.append(_base_manifest(base, origin.source, hub))
    return tuple(manifests)


def _base_on_hub(manifests: list[AnyManifest], hub: HubClient) -> Source | None:
    """The base of a checkpoint that isn't on disk, by the checkpoint's header."""
    for manifest in manifests:
        source = manifest.source
        if isinstance(manifest, CivitaiManifest):
            return _base_if_whole(manifest)
        if source.kind is SourceKind.CHECKPOINT and source.file and _has_header(source.file):
            return base_of(classify(hub.tensors(manifest.listing, source.file), source.text))
    return None


def _base_if_whole(manifest: CivitaiManifest) -> Source | None:
    """The base of a checkpoint; a denoiser alone has none."""
    try:
        return base_of(classify(manifest.tensors, manifest.source.text))
    except ModelUnavailable:
        return None


def _has_header(file: str) -> bool:
    return PurePosixPath(file).suffix.lower() not in PICKLES


def _base_manifest(base: Source, checkpoint: Source, hub: HubClient) -> Manifest:
    try:
        return manifest_of(base, hub)
    except ModelUnavailable as error:
        raise type(error)(
            say(
                "“{checkpoint}” needs the configs and tokenizers of “{base}”, which aren't on "
                "disk. {reason}",
                checkpoint=checkpoint.text,
                base=base.text,
                reason=error.sentence,
            )
        ) from error


def named_files(source: Source, listing: RepoListing, names: Sequence[str]) -> Manifest:
    """What a source needs that is made of these files. Raises `ModelUnavailable` if one lacks."""
    for name in names:
        if name not in listing.files:
            raise ModelUnavailable(
                say("“{repo}” on the Hub has no file {file}.", repo=listing.repo, file=name)
            )
    return Manifest(source, listing, tuple(listing.files[name] for name in names))


def manifest_of(source: Source, hub: HubClient, *, own_denoiser: bool = True) -> Manifest:
    """What a source on the Hub needs from it.

    Raises:
        ModelUnavailable: As `manifests_of`.
    """
    assert source.repo is not None, "only a source on the Hub has a manifest"
    listing = hub.listing(source.repo, source.revision)
    if source.file is not None:
        file = listing.files.get(source.file)
        if file is None:
            raise ModelUnavailable(
                say(
                    "“{repo}” has no file {file}. {hint}",
                    repo=source.repo,
                    file=source.file,
                    hint=_hint(listing),
                )
            )
        return Manifest(source, listing, (file,))
    index = index_among(listing.files)
    if index is None:
        raise ModelUnavailable(
            say(
                "“{repo}” isn't a Diffusers pipeline: it has no {index}. {hint}",
                repo=source.repo,
                index=INDEX,
                hint=_hint(listing),
            )
        )
    layout = layout_of(
        hub.read_json(listing, index),
        listing.files,
        index_name=index,
        variant=source.variant,
        allow_pickle=source.allow_pickle,
        own_denoiser=own_denoiser,
        settings_only=source.settings_only,
    )
    if layout.lacks:
        raise ModelUnavailable(
            say(
                "“{repo}” can't be used as it is on the Hub. Missing: {lacks}.",
                repo=source.repo,
                lacks=join_list(layout.lacks, AND),
            )
        )
    has_card = CARD in listing.files and not source.settings_only
    names = [*layout.files, *([CARD] if has_card else [])]
    return Manifest(source, listing, tuple(listing.files[name] for name in names), layout)


def _hint(listing: RepoListing) -> str:
    """A sentence that names single files that could be used instead."""
    fitting = [name for name in listing.files if name.endswith((".safetensors", ".gguf"))]
    loose = [name for name in fitting if SourceKind.GGUF.lower() in name or "/" not in name]
    if not loose:
        return say("See its page for what it has.")
    if len(loose) > MAX_HINTED:
        return say("It has {files} and others.", files=join_list(loose[:MAX_HINTED]))
    return say("It has {files}.", files=join_list(loose))
