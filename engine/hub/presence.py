"""How much of a model is on disk, and where its files are."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.base_models import base_in
from engine.hub.damage import damage_of
from engine.hub.local_files import index_in, local_layout, partial_bytes, place_of
from engine.hub.pipeline_layout import INDEX
from engine.hub.sources import Origin, Source, SourceKind
from speech import AND, join_list, join_sentences, phrase, say


class Presence(StrEnum):
    """How much of a model is on disk."""

    COMPLETE = phrase("on disk")
    """All of it."""
    PARTIAL = phrase("partly downloaded")
    """Some of it; the Hub has the rest."""
    ABSENT = phrase("not downloaded")
    """None of it; the Hub may have it."""
    BROKEN = phrase("incomplete")
    """A folder with missing files."""
    NO_FOLDER = phrase("folder not found")
    """Nothing, and the source isn't a Hub ID."""

    @property
    def downloads(self) -> bool:
        """Whether using it downloads something."""
        return self in (Presence.PARTIAL, Presence.ABSENT)


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """What is on disk of a model.

    Attributes:
        presence: How much of it.
        size: Bytes on disk.
        lacks: What is missing, each in a few words.
        errors: Why nothing more can be said of it, each a sentence.
    """

    presence: Presence
    size: int = 0
    lacks: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFiles:
    """Where the files of a model are. Either `folder` or `checkpoint` is set.

    Attributes:
        folder: A Diffusers pipeline.
        checkpoint: A single file with all weights.
        denoiser: A `.gguf` or `.safetensors` file in place of the pipeline's own denoiser.
        settings: The folder with a checkpoint's configs and tokenizers.
    """

    folder: Path | None = None
    checkpoint: Path | None = None
    denoiser: Path | None = None
    settings: Path | None = None


def disk_usage(origin: Origin) -> DiskUsage:
    """How much of a model is on disk."""
    parts = [disk_usage_of_source(source, origin.denoiser is None) for source in sources_of(origin)]
    order = (Presence.BROKEN, Presence.PARTIAL, Presence.ABSENT, Presence.COMPLETE)
    presence = min((part.presence for part in parts), key=order.index)
    if presence is Presence.ABSENT and any(part.presence is not presence for part in parts):
        presence = Presence.PARTIAL
    lacks = tuple(lack for part in parts for lack in part.lacks)
    errors = tuple(error for part in parts for error in part.errors)
    return DiskUsage(presence, sum(part.size for part in parts), lacks, errors)


def local_files(origin: Origin) -> LocalFiles:
    """Where the files of a model are.

    Raises:
        ModelUnavailable: It isn't all on disk.
    """
    for source in sources_of(origin):
        state = disk_usage_of_source(source, origin.denoiser is None)
        if state.presence is not Presence.COMPLETE:
            raise not_on_disk(source, state)
    place = place_of(origin.source)
    is_folder = origin.source.kind is SourceKind.PIPELINE
    base = base_in(origin.source, place)
    return LocalFiles(
        folder=place if is_folder else None,
        checkpoint=None if is_folder else place,
        denoiser=place_of(origin.denoiser) if origin.denoiser else None,
        settings=place_of(base) if base else None,
    )


def sources_of(origin: Origin) -> tuple[Source, ...]:
    """All that a model is made from, with the base of a checkpoint that is on disk."""
    base = base_in(origin.source, place_of(origin.source))
    return (*origin, base) if base else (*origin,)


def not_on_disk(source: Source, state: DiskUsage) -> ModelUnavailable:
    """The error for a source that can't be loaded from disk as it is."""
    presence = say(state.presence)
    if state.errors and not source.is_remote:
        sentence = join_sentences(*state.errors)
    elif state.errors:
        sentence = say(
            "“{source}” is {presence}. {reason}",
            source=source.text,
            presence=presence,
            reason=join_sentences(*state.errors),
        )
    elif source.is_remote and not state.lacks:
        sentence = say(
            "“{source}” is {presence}. Download it first.", source=source.text, presence=presence
        )
    elif source.is_remote:
        sentence = say(
            "“{source}” is {presence}. Missing: {lacks}. Download it first.",
            source=source.text,
            presence=presence,
            lacks=join_list(state.lacks, AND),
        )
    elif INDEX in state.lacks:
        sentence = say(
            "The folder {folder} isn't a pipeline: it has no {index}.",
            folder=source.path,
            index=INDEX,
        )
    else:
        sentence = say(
            "{folder} is incomplete. Missing: {lacks}.",
            folder=source.path,
            lacks=join_list(state.lacks, AND),
        )
    return ModelUnavailable(sentence)


def disk_usage_of_source(source: Source, own_denoiser: bool = True) -> DiskUsage:
    """How much of one source is on disk; its own denoiser counts only if it is needed."""
    place = place_of(source)
    partial = partial_bytes(source)
    if place is None:
        return DiskUsage(Presence.PARTIAL if partial else Presence.ABSENT, partial)
    lacking = Presence.PARTIAL if source.is_remote else Presence.BROKEN
    if source.kind is not SourceKind.PIPELINE:
        damage = damage_of(place)
        size = place.stat().st_size
        return (
            DiskUsage(lacking, size, errors=(damage,))
            if damage
            else DiskUsage(Presence.COMPLETE, size)
        )
    if (index := index_in(place)) is None:
        return DiskUsage(lacking, 0, (INDEX,))
    if damage := damage_of(place / index):
        return DiskUsage(lacking, partial, errors=(damage,))
    try:
        layout = local_layout(place, source, own_denoiser=own_denoiser)
    except ModelUnavailable as error:
        return DiskUsage(lacking, errors=(error.sentence,))
    files = [file for name in layout.files if (file := place / name).is_file()]
    size = sum(file.stat().st_size for file in files)
    damages = tuple(damage for file in files if (damage := damage_of(file)))
    if layout.lacks or damages:
        return DiskUsage(lacking, size + partial, layout.lacks, damages)
    return DiskUsage(Presence.COMPLETE, size)
