"""Which files of a repository on the Hub a model needs, and which of them are still to come."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.errors import ModelUnavailable
from engine.hub.base_models import base_in, base_of
from engine.hub.client import HubClient, RemoteFile, RepoListing
from engine.hub.local_files import UNFINISHED, place_of, repo_cache
from engine.hub.pipeline_layout import CARD, INDEX, PipelineLayout, layout_of
from engine.hub.presence import Presence, disk_usage_of_source
from engine.hub.single_file import classify
from engine.hub.sources import PICKLES, Origin, Source, SourceKind
from speech import AND, listed, say

MOST_NAMED = 4
"""Files that a hint names."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one source needs of the Hub.

    Attributes:
        source: The source.
        listing: Its repository, at one commit.
        files: The files that are needed.
        layout: Of a pipeline, which files are of which component.
    """

    source: Source
    listing: RepoListing
    files: tuple[RemoteFile, ...]
    layout: PipelineLayout | None = None

    @property
    def missing(self) -> tuple[RemoteFile, ...]:
        """Those that the cache does not have, none twice."""
        blobs = {file.digest: file for file in self.files}
        return tuple(file for file in blobs.values() if not self._is_there(file))

    @property
    def missing_bytes(self) -> int:
        """Bytes that still have to come; what has come of an unfinished file counts as here."""
        return sum(max(0, file.size - self.begun(file)) for file in self.missing)

    def blob(self, file: RemoteFile) -> Path:
        """Where the cache keeps the bytes of a file."""
        return repo_cache(self.listing.repo) / "blobs" / file.digest

    def partial(self, file: RemoteFile) -> Path:
        """Where its bytes are gathered until all are there."""
        blob = self.blob(file)
        return blob.with_name(blob.name + UNFINISHED)

    def begun(self, file: RemoteFile) -> int:
        """Bytes of a file that have come before a download was interrupted."""
        try:
            return self.partial(file).stat().st_size
        except FileNotFoundError:
            return 0

    def _is_there(self, file: RemoteFile) -> bool:
        """As bytes, or in the snapshot itself where a file system has no links."""
        snapshot = repo_cache(self.listing.repo) / "snapshots" / self.listing.commit
        return self.blob(file).is_file() or (snapshot / file.path).is_file()


def manifests_of(origin: Origin, hub: HubClient) -> tuple[Manifest, ...]:
    """What the sources of `origin` that are on the Hub need of it; asks the Hub once for each.

    A checkpoint needs what it goes with, too, unless that is on disk.

    Raises:
        ModelUnavailable: One of them does not exist, cannot be asked for, or lacks parts.
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
    """The base of the checkpoint on the Hub that the first need is for, by its header."""
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
    """What a source on the Hub needs of it.

    Raises:
        ModelUnavailable: As `manifests_of`.
    """
    assert source.repo is not None, "only what is on the Hub has needs"
    listing = hub.listing(source.repo, source.revision)
    if source.file is not None:
        file = listing.files.get(source.file)
        if file is None:
            raise ModelUnavailable(
                say(
                    "“{repo}” has no file {file}. {hint}",
                    repo=source.repo,
                    file=source.file,
                    hint=_files(listing),
                )
            )
        return Manifest(source, listing, (file,))
    if INDEX not in listing.files:
        raise ModelUnavailable(
            say(
                "“{repo}” isn't a Diffusers pipeline: it has no {index}. {hint}",
                repo=source.repo,
                index=INDEX,
                hint=_files(listing),
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
                lacks=listed(layout.lacks, AND),
            )
        )
    has_card = CARD in listing.files and not source.settings_only
    names = [*layout.files, *([CARD] if has_card else [])]
    return Manifest(source, listing, tuple(listing.files[name] for name in names), layout)


def _files(listing: RepoListing) -> str:
    """A hint at single files that would do."""
    fitting = [name for name in listing.files if name.endswith((".safetensors", ".gguf"))]
    loose = [name for name in fitting if SourceKind.GGUF.lower() in name or "/" not in name]
    if not loose:
        return say("See its page for what it has.")
    if len(loose) > MOST_NAMED:
        return say("It has {files} and others.", files=listed(loose[:MOST_NAMED]))
    return say("It has {files}.", files=listed(loose))
