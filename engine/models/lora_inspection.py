"""What a LoRA is, before it is downloaded: its family, its size, and its trigger words."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import ModelUnavailable
from engine.hub.civitai import CivitaiVersion
from engine.hub.civitai_files import CivitaiManifest, look_up
from engine.hub.civitai_links import civitai_source
from engine.hub.client import HubClient
from engine.hub.lora_files import lora_manifest, lora_on_disk, lora_source
from engine.hub.single_file import LORA
from engine.hub.sources import Source
from engine.hub.tensor_headers import Tensor, read_safetensors
from engine.local_paths import exists, expanded
from engine.models.lora_families import lora_family
from speech import say

MAX_TRIGGER = 200
"""Characters of the trigger words that are kept; those that don't fit are left out."""

BASE_MODELS: Mapping[str, str] = {
    "sdxl": "sdxl",
    "pony": "sdxl",
    "illustrious": "sdxl",
    "noobai": "sdxl",
    "sd 1": "sd",
    "sd 2": "sd",
    "sd 3": "sd3",
    "flux.1": "flux",
    "flux.2 klein": "flux2-klein",
    "zimage": "z-image",
    "qwen": "qwen-image",
    "lumina": "lumina2",
}
"""Families by how Civitai's names of base models begin, for files that don't tell themselves."""

MARKS = (*LORA, ".diff", ".lora.", "_lora.", ".on_input", ".a1.weight")
"""Parts of the names of tensors that some layer gains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraInspection:
    """What is known of a LoRA.

    Attributes:
        source: As it is stored.
        title: What its makers call it; `None` if that isn't known.
        family: The family in `FAMILIES` that it is for; `None` if unclear.
        base_model: What it was trained on, in Civitai's words.
        trained_words: The words that it answers to.
        licence: The name of its licence, if known.
        licence_link: Where that can be read.
        total_bytes: Of its file.
        download_bytes: Still to be downloaded.
    """

    source: str
    title: str | None = None
    family: str | None = None
    base_model: str = ""
    trained_words: tuple[str, ...] = ()
    licence: str | None = None
    licence_link: str | None = None
    total_bytes: int = 0
    download_bytes: int = 0

    @property
    def trigger(self) -> str:
        """The trigger words that fit into the settings of a LoRA."""
        kept: list[str] = []
        for word in (" ".join(word.split()).strip(" ,") for word in self.trained_words):
            if word and len(", ".join([*kept, word])) <= MAX_TRIGGER:
                kept.append(word)
        return ", ".join(kept)


def inspect_lora(text: str, hub: HubClient) -> LoraInspection:
    """Look into a LoRA, on disk or by the header of a file elsewhere. Blocks.

    Raises:
        ModelUnavailable: It can't be had, or isn't a LoRA.
    """
    version = None if exists(expanded(text)) else look_up(text, hub.civitai)
    source = lora_source(text if version is None else civitai_source(version.version))
    file = lora_on_disk(source.text)
    if file is not None:
        return _inspection(
            str(file.absolute()) if source.path else _with_file(source, file.name),
            read_safetensors(file),
            version,
            total_bytes=file.stat().st_size,
        )
    if source.path is not None:
        raise ModelUnavailable(say("“{source}” isn't a LoRA.", source=source.text))
    manifest = lora_manifest(source, hub)
    [remote] = manifest.files
    licence: tuple[str | None, str | None]
    words: tuple[str, ...] = ()
    if isinstance(manifest, CivitaiManifest):
        tensors, licence = manifest.tensors, (manifest.version.licence, None)
        version = manifest.version
    else:
        tensors = hub.tensors(manifest.listing, remote.path)
        licence = (manifest.listing.licence, manifest.listing.licence_link)
        words = (manifest.listing.trigger,) if manifest.listing.trigger else ()
    return _inspection(
        _with_file(source, remote.path),
        tensors,
        version,
        licence=licence,
        total_bytes=remote.size,
        download_bytes=manifest.missing_bytes,
        words=words,
    )


def _with_file(source: Source, file: str) -> str:
    """The source with the name of its file, which a repository may have more of later."""
    return source.text if source.file or source.repo is None else f"{source.text}/{file}"


def _inspection(
    source: str,
    tensors: tuple[Tensor, ...],
    version: CivitaiVersion | None,
    *,
    total_bytes: int,
    download_bytes: int = 0,
    licence: tuple[str | None, str | None] = (None, None),
    words: tuple[str, ...] = (),
) -> LoraInspection:
    if not any(mark in tensor.name for tensor in tensors for mark in MARKS):
        raise ModelUnavailable(
            say("“{source}” isn't a LoRA: nothing in it changes a layer.", source=source)
        )
    base = version.base_model if version else ""
    by_base = (BASE_MODELS[each] for each in BASE_MODELS if base.casefold().startswith(each))
    return LoraInspection(
        source=source,
        title=version.name if version else None,
        family=lora_family(tensors) or next(by_base, None),
        base_model=base,
        trained_words=version.trained_words if version else words,
        licence=licence[0] or (version.licence if version else None),
        licence_link=licence[1],
        total_bytes=total_bytes,
        download_bytes=download_bytes,
    )
