"""The files of an IP-Adapter and its image encoder, on this machine or in the Hub's cache."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.client import HubClient
from engine.hub.damage import intact_place
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import require_cached
from engine.hub.manifest import named_files
from engine.hub.model_folders import CONFIG, WEIGHTS, own_folder, require_complete
from engine.hub.sources import Source, SourceKind, read_source
from speech import say


@dataclass(frozen=True, slots=True)
class IPAdapterFiles:
    """Where they are: the adapter's file, and its image encoder's folder."""

    adapter: Path
    image_encoder: Path


def ip_adapter_on_disk(adapter: str, image_encoder: str) -> IPAdapterFiles | None:
    """The files of the IP-Adapter with these sources; `None` if only the Hub may have some.

    Raises:
        ModelUnavailable: One isn't the source of an IP-Adapter or of an image encoder.
    """
    file, config, weights = map(intact_place, _sources_of(adapter, image_encoder))
    if file is None or config is None or weights is None:
        return None
    return IPAdapterFiles(file, config.parent)


def download_ip_adapter(
    adapter: str,
    image_encoder: str,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> IPAdapterFiles:
    """Download what the cache lacks of an IP-Adapter; returns its files. Blocks.

    Raises:
        ModelUnavailable: As `engine.hub.downloads.download`; or a repository lacks a file.
    """
    remote = [one for one in _sources_of(adapter, image_encoder) if one.repo is not None]
    repos = {(one.repo, one.revision): one for one in remote}
    manifests = [
        named_files(
            source,
            hub.listing(source.repo or "", source.revision),
            [one.file or "" for one in remote if (one.repo, one.revision) == place],
        )
        for place, source in repos.items()
    ]
    download_manifests(tuple(manifests), hub, on_progress, stop)
    return require_cached(ip_adapter_on_disk(adapter, image_encoder), adapter)


def _sources_of(adapter: str, image_encoder: str) -> Sequence[Source]:
    """The adapter's file, and the encoder's config and weights."""
    file = read_source(adapter)
    if file.kind is not SourceKind.CHECKPOINT or file.civitai is not None:
        raise ModelUnavailable(
            say(
                "“{source}” isn't an IP-Adapter. Name a .safetensors file, on the Hub as "
                "owner/name/file.",
                source=adapter,
            )
        )
    if (folder := own_folder(image_encoder)) is not None:
        missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
        require_complete(folder, missing)
        weights = read_source(str(folder / WEIGHTS))
        assert weights.path is not None, "it is a file"
        return file, replace(weights, path=weights.path.with_name(CONFIG)), weights
    weights = read_source(f"{image_encoder.rstrip('/')}/{WEIGHTS}")
    assert weights.file is not None, "what isn't a file here is one on the Hub"
    config = weights.file.removesuffix(WEIGHTS) + CONFIG
    return file, replace(weights, file=config), weights
