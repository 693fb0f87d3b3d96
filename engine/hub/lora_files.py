"""The file of a LoRA: on this machine, or in the Hugging Face cache."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from engine.errors import ModelUnavailable
from engine.hub.civitai_files import LORAS, civitai_manifest
from engine.hub.client import HubClient
from engine.hub.damage import intact_place
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import require_cached
from engine.hub.local_files import place_of
from engine.hub.manifest import AnyManifest, manifest_of
from engine.hub.presence import DiskUsage, Presence, not_on_disk
from engine.hub.sources import Source, SourceKind, read_source
from speech import say

DEFAULT_NAME = "pytorch_lora_weights.safetensors"
"""The name that Diffusers and its training scripts give a LoRA."""


def lora_on_disk(text: str) -> Path | None:
    """The file of the LoRA with the source `text`; `None` if only the Hub may have it.

    Raises:
        ModelUnavailable: It isn't the source of a LoRA, or is being removed.
    """
    source = lora_source(text)
    try:
        if source.path is None:
            if source.repo is not None and source.file is None:
                source = replace(source, file=DEFAULT_NAME)
            return intact_place(source)
        if source.path.is_dir():
            return source.path / _single(text, (path.name for path in source.path.iterdir()))
    except OSError as error:
        raise unreadable(text, error) from error
    return source.path


def unreadable(text: str, error: OSError) -> ModelUnavailable:
    """The error for a LoRA that the system can't read, or that was removed just now."""
    reason = error.strerror or str(error)
    return ModelUnavailable(say("“{source}” can't be read: {reason}.", source=text, reason=reason))


def lora_file(text: str) -> Path:
    """The file of the LoRA with the source `text`.

    Raises:
        ModelUnavailable: It isn't on disk, or isn't the source of a LoRA.
    """
    file = lora_on_disk(text)
    if file is None:
        raise not_on_disk(lora_source(text), DiskUsage(Presence.ABSENT))
    return file


def download_lora(
    text: str,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Download a LoRA from the Hub or Civitai unless it's on disk; returns its file. Blocks.

    Raises:
        ModelUnavailable: As `engine.hub.downloads.download`; or it isn't a LoRA.
    """
    source = lora_source(text)
    if source.civitai is not None and (there := lora_on_disk(text)) is not None:
        return there
    manifest = lora_manifest(source, hub)
    source = manifest.source
    download_manifests((manifest,), hub, on_progress, stop)
    return require_cached(place_of(source), text)


def lora_manifest(source: Source, hub: HubClient) -> AnyManifest:
    """What a LoRA that isn't the owner's own file needs. Raises `ModelUnavailable`."""
    if source.civitai is not None:
        return civitai_manifest(source, hub, LORAS)
    assert source.repo is not None, "the owner's own files aren't downloaded"
    name = source.file or _single(source.text, hub.listing(source.repo).files)
    return manifest_of(replace(source, kind=SourceKind.CHECKPOINT, file=name), hub)


def lora_source(text: str) -> Source:
    """The source of a LoRA, as its owner writes it. Raises `ModelUnavailable`."""
    source = read_source(text)
    if source.kind is SourceKind.GGUF:
        raise ModelUnavailable(
            say("“{source}” isn't a LoRA. LoRAs are .safetensors files.", source=text)
        )
    return source


def _single(place: str, names: Iterable[str]) -> str:
    """The one file among `names` that can be the LoRA."""
    candidates = sorted(
        name
        for name in names
        if name.endswith(".safetensors") and PurePosixPath(name).parent == PurePosixPath()
    )
    if DEFAULT_NAME in candidates:
        return DEFAULT_NAME
    if not candidates:
        raise ModelUnavailable(
            say("“{place}” contains no LoRA: it has no .safetensors file.", place=place)
        )
    if len(candidates) > 1:
        raise ModelUnavailable(
            say(
                "“{place}” contains {count} files. Specify one, like {place}/{file}.",
                place=place,
                count=len(candidates),
                file=candidates[0],
            )
        )
    return candidates[0]
