"""The files of a control network: a folder in the Diffusers layout, or a single file."""

import threading
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache

from engine.errors import ModelUnavailable
from engine.hub.client import HubClient
from engine.hub.damage import intact_place
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import require_cached
from engine.hub.manifest import named_files
from engine.hub.sources import Source, SourceKind, read_source
from speech import say

CONFIG = "config.json"
WEIGHTS = (
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.safetensors",
)
"""Names of the weights in a folder, the smaller ones first. Only safetensors: they can't run code.
"""


def weights_in(folder: Path) -> Path | None:
    """The weights in a folder; `None` if there are none, or its configuration is missing."""
    if not (folder / CONFIG).is_file():
        return None
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def control_on_disk(text: str) -> Path | None:
    """The folder or file of the control network `text`; `None` if only the Hub may have it.

    Raises:
        ModelUnavailable: It isn't the source of a control network, or a folder that lacks files.
    """
    source = _source_of(text)
    if source.path is not None:
        if source.path.is_dir() and weights_in(source.path) is None:
            raise ModelUnavailable(
                say(
                    "The folder {folder} isn't a control network: it needs {config} and {weights}.",
                    folder=source.path,
                    config=CONFIG,
                    weights=WEIGHTS[-1],
                )
            )
        return source.path
    if source.kind is SourceKind.CHECKPOINT:
        return intact_place(source)
    assert source.repo is not None, "what isn't on this machine is on the Hub"
    cached = [
        try_to_load_from_cache(source.repo, name, constants.HF_HUB_CACHE, source.revision)
        for name in (CONFIG, *WEIGHTS)
    ]
    folders = {Path(found).parent for found in cached if isinstance(found, str)}
    return next((folder for folder in folders if weights_in(folder) is not None), None)


def download_control(
    text: str,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Download a control network from the Hub unless it's in the cache; its place. Blocks.

    Raises:
        ModelUnavailable: As `engine.hub.downloads.download`; or the repository lacks a file.
    """
    source = _source_of(text)
    assert source.repo is not None, "only a source on the Hub is downloaded"
    listing = hub.listing(source.repo, source.revision)
    if source.file is not None:
        wanted = [source.file]
    else:
        weights = next((name for name in WEIGHTS if name in listing.files), WEIGHTS[-1])
        wanted = [CONFIG, weights]
    download_manifests((named_files(source, listing, wanted),), hub, on_progress, stop)
    return require_cached(control_on_disk(text), text)


def _source_of(text: str) -> Source:
    source = read_source(text)
    if source.kind not in (SourceKind.PIPELINE, SourceKind.CHECKPOINT):
        raise ModelUnavailable(
            say(
                "“{source}” isn't a control network. Name a folder, a Hub ID, or a .safetensors "
                "file, on the Hub as owner/name/file.",
                source=text,
            )
        )
    return source
