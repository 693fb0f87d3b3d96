"""The file of an upscaler: on this machine, or in the Hugging Face cache."""

import threading
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.client import HubClient
from engine.hub.damage import intact_place
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import require_cached
from engine.hub.local_files import place_of
from engine.hub.manifest import named_files
from engine.hub.sources import Source, SourceKind, read_source
from speech import say


def upscaler_on_disk(text: str, *, allow_pickle: bool = False) -> Path | None:
    """The file of the upscaler with the source `text`; `None` if only the Hub may have it.

    Raises:
        ModelUnavailable: It isn't the source of an upscaler.
    """
    return intact_place(_source_of(text, allow_pickle))


def download_upscaler(
    text: str,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
    *,
    allow_pickle: bool = False,
) -> Path:
    """Download an upscaler from the Hub unless it's in the cache; returns its file. Blocks.

    Raises:
        ModelUnavailable: As `engine.hub.downloads.download`; or the repository lacks the file.
    """
    source = _source_of(text, allow_pickle)
    assert source.repo is not None, "only a source on the Hub is downloaded"
    assert source.file is not None, "an upscaler is a file"
    listing = hub.listing(source.repo, source.revision)
    download_manifests((named_files(source, listing, [source.file]),), hub, on_progress, stop)
    return require_cached(place_of(source), text)


def _source_of(text: str, allow_pickle: bool) -> Source:
    source = read_source(text, allow_pickle=allow_pickle)
    if source.kind is not SourceKind.CHECKPOINT:
        raise ModelUnavailable(
            say(
                "“{source}” isn't an upscaler. Name a .safetensors file, on the Hub as "
                "owner/name/file.",
                source=text,
            )
        )
    return source
