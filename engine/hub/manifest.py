"""Which files a model needs from the Hub, and which of them are missing."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.errors import ModelUnavailable
from engine.hub.base_models import base_in, base_of
from engine.hub.client import HubClient, RemoteFile, RepoListing
from engine.hub.damage import HASHED, has_digest
from engine.hub.local_files import PARTIAL_SUFFIX, place_of, repo_cache
from engine.hub.pipeline_layout import CARD, INDEX, PipelineLayout, layout_of
from engine.hub.presence import Presence, disk_usage_of_source
from engine.hub.single_file import classify
from engine.hub.sources import PICKLES, Origin, Source, SourceKind
from speech import AND, join_list, say

MAX_HINTED = 4
"""The most files that a hint names."""


@dataclass(frozen=True, slots=True)
class Manifest:
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
    def missing_bytes(self) -> int:
        """Bytes still to be downloaded, without those of partial files."""
        return sum(max(0, file.size - self.partial_size(file)) for file in self.missing)

    def blob(self, file: RemoteFile) -> Path:
        """Where the cache keeps the bytes of a file."""
        return repo_cache(self.listing.repo) / "blobs" / file.digest

    def partial(self, file: RemoteFile) -> Path:
        """Where its bytes are written until all are there."""
        blob = self.blob(file)
        return blob.with_name(blob.name + PARTIAL_SUFFIX)

    def partial_size(self, file: RemoteFile) -> int:
        """Bytes of a file that an interrupted download left."""
        try:
            return self.partial(file).stat().st_size
        except FileNotFoundError:
            return 0

    def discard_damaged(self) -> None:
        """Delete what stands in the cache for these files and isn't them."""
        for file in self.files:
            for path in (self.blob(file), self._in_snapshot(file)):
                if (path.is_symlink() or path.is_file()) and not _is_intact(path, file):
                    path.unlink()

    def _in_cache(self, file: RemoteFile) -> bool:
        """Whether it is a blob, or in the snapshot itself on a file system without links."""
        return _is_intact(self.blob(file), file) or _is_intact(self._in_snapshot(file), file)

    def _in_snapshot(self, file: RemoteFile) -> Path:
        return repo_cache(self.listing.repo) / "snapshots" / self.listing.commit / file.path


def _is_intact(path: Path, file: RemoteFile) -> bool:
    """Whether `path` has the size of `file`, and if that is small, its hash."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return file.size > HASHED or not file.digest or has_digest(path, file.digest)


def manifests_of(origin: Origin, hub: HubClient) -> tuple[Manifest, ...]:
    """What the sources of `origin` need from the Hub, which is asked once for each.

    A checkpoint also needs its base, unless that is on disk.

    Raises:
        ModelUnavailable: One of them doesn't exist or is incomplete, or the Hub can't be reached.
    """
    manifests = [
        manifest_of(source, hub, own_denoiser=origin.denoiser is None)
        for source in origin
        if source.repo is not None
    ]
    base = base_in(origin.source, place_of(origin.source)) or _base_on_hub(manifests[:1], hub)
    if base is not None and disk_usage_of_source(base).presence is not Presence.COMPLETE:
        manifests.append(_base_manifest(base, origin.source, hub))
    return tuple(manifests)


def _base_on_hub(manifests: list[Manifest], hub: HubClient) -> Source | None:
    """The base of a checkpoint on the Hub, by the checkpoint's header."""
    for manifest in manifests:
        source = manifest.source
        if source.kind is SourceKind.CHECKPOINT and source.file and _has_header(source.file):
            return base_of(classify(hub.tensors(manifest.listing, source.file), source.text))
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
    if INDEX not in listing.files:
        raise ModelUnavailable(
            say(
                "“{repo}” isn't a Diffusers pipeline: it has no {index}. {hint}",
                repo=source.repo,
                index=INDEX,
                hint=_hint(listing),
            )
        )
    layout = layout_of(
        hub.read_json(listing, INDEX),
        listing.files,
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
