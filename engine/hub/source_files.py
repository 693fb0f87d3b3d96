"""The files of a source with their sizes and headers, whether on disk or on the Hub."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from engine.errors import ModelUnavailable
from engine.hub.civitai_disk import civitai_facts
from engine.hub.civitai_files import CHECKPOINT, CivitaiManifest, civitai_manifest
from engine.hub.client import GGUF_LIMIT, HubClient, licence_of
from engine.hub.errors import CorruptFile
from engine.hub.gguf_header import HeaderIncomplete, NotGGUF, read_header
from engine.hub.local_files import files_of, local_layout, place_of, read_json
from engine.hub.manifest import manifest_of
from engine.hub.pipeline_layout import CARD, PipelineLayout
from engine.hub.presence import DiskUsage, Presence, disk_usage_of_source, not_on_disk
from engine.hub.sources import Source, SourceKind
from engine.hub.tensor_headers import Tensor, read_safetensors
from speech import say


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFiles:
    """A source, on disk or on the Hub.

    Attributes:
        sizes: Bytes of its files, by their path within it.
        tensors: From such a path to the tensors in that file, by its header.
        settings: From such a path to the content of that JSON file.
        layout: Of a pipeline, which files belong to which component.
        licence: Its name and a link to its text, if known.
        gated: Whether its terms have to be accepted on the Hub first.
        download_bytes: Bytes still to be downloaded.
    """

    sizes: dict[str, int]
    tensors: Callable[[str], tuple[Tensor, ...]]
    settings: Callable[[str], Mapping[str, Any]]
    layout: PipelineLayout | None
    licence: tuple[str | None, str | None] = (None, None)
    gated: bool = False
    download_bytes: int = 0


def source_files_of(source: Source, hub: HubClient, *, own_denoiser: bool = True) -> SourceFiles:
    """The files on disk if all of `source` is there, else those on the Hub.

    Raises:
        ModelUnavailable: It can't be had, or can't be loaded.
    """
    if (
        not source.is_remote
        or disk_usage_of_source(source, own_denoiser).presence is Presence.COMPLETE
    ):
        return _on_disk(source, own_denoiser)
    if source.civitai is not None:
        return _on_civitai(civitai_manifest(source, hub, (CHECKPOINT,)))
    manifest = manifest_of(source, hub, own_denoiser=own_denoiser)
    return SourceFiles(
        sizes={file.path: file.size for file in manifest.files},
        tensors=partial(hub.tensors, manifest.listing),
        settings=partial(hub.read_json, manifest.listing),
        layout=manifest.layout,
        licence=(manifest.listing.licence, manifest.listing.licence_link),
        gated=manifest.listing.gated,
        download_bytes=manifest.missing_bytes,
    )


def _on_civitai(manifest: CivitaiManifest) -> SourceFiles:
    return SourceFiles(
        sizes={manifest.file.path: manifest.file.size},
        tensors=lambda _: manifest.tensors,
        settings=lambda _: {},
        layout=None,
        licence=(manifest.version.licence, None),
        download_bytes=manifest.missing_bytes,
    )


def bytes_of(base: Source, hub: HubClient) -> tuple[int, int]:
    """Bytes of a checkpoint's base, and those still to be downloaded; 0 if unknown."""
    try:
        files = source_files_of(base, hub)
    except ModelUnavailable:
        return 0, 0
    return sum(files.sizes.values()), files.download_bytes


def _on_disk(source: Source, own_denoiser: bool) -> SourceFiles:
    files = files_of(source, own_denoiser=own_denoiser)
    layout = None
    if source.kind is SourceKind.PIPELINE:
        place = place_of(source)
        assert place is not None, "its presence was asked for before"
        layout = local_layout(place, source, own_denoiser=own_denoiser)
        if layout.lacks:
            raise not_on_disk(source, DiskUsage(Presence.BROKEN, 0, layout.lacks))
    return SourceFiles(
        sizes={name: path.stat().st_size for name, path in files.items()},
        tensors=lambda name: read_tensors(files[name]),
        settings=lambda name: read_json(files[name]),
        layout=layout,
        licence=licence_on_disk(source),
    )


def read_tensors(path: Path) -> tuple[Tensor, ...]:
    """The tensors of a `.safetensors` or `.gguf` file, by its header.

    Raises:
        CorruptFile: It is cut off, or of another format.
    """
    if path.suffix.lower() != ".gguf":
        return read_safetensors(path)
    with path.open("rb") as file:
        data = file.read(GGUF_LIMIT)
    try:
        tensors, length = read_header(data)
    except (HeaderIncomplete, NotGGUF) as error:
        raise CorruptFile(
            say("{path} is cut off or isn't a GGUF file. Download it again.", path=path)
        ) from error
    if (size := path.stat().st_size) < length:
        raise CorruptFile(
            say(
                "{path} should have {expected} bytes but has {length}. Download it again.",
                path=path,
                expected=length,
                length=size,
            )
        )
    return tensors


def licence_on_disk(source: Source) -> tuple[str | None, str | None]:
    """The name of the licence in the card of a pipeline on disk, and a link to its text."""
    if source.civitai is not None:
        facts = civitai_facts(source.civitai)
        return (facts.licence if facts else None), None
    place = place_of(source)
    card = place / CARD if place and source.kind is SourceKind.PIPELINE else None
    return _licence(card if card and card.is_file() else None)


def _licence(card: Path | None) -> tuple[str | None, str | None]:
    if card is None:
        return None, None
    try:
        data = ModelCard.load(card, ignore_metadata_errors=True).data
    except ValueError:
        return None, None
    return licence_of(data) if isinstance(data, ModelCardData) else (None, None)
