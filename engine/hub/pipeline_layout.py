"""The Diffusers layout: which files of a folder, on disk or on the Hub, a pipeline consists of."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from engine.errors import ModelUnavailable
from engine.hub.diffusers_sources import bases_of
from engine.hub.index_entries import IndexEntry, entries_of
from engine.hub.modular_blocks import EXTRAS, PROMPT_UPSAMPLER, blocks_of, has_blocks
from engine.hub.pipeline_class import MAX_SHOWN, is_loadable_library
from engine.hub.single_file import NOT_IN_CHECKPOINTS
from speech import AND, join_list, say

INDEX = "model_index.json"

MODULAR_INDEX = "modular_model_index.json"
"""The index of Diffusers' modular pipelines, which some models only have."""

OWN_BLOCKS = "modular_config.json"
"""What a repository with blocks of its own has, whose code is beside it."""

CARD = "README.md"
"""The model card, which names the licence."""

WEIGHTLESS = ("Tokenizer", "TokenizerFast", "Scheduler", "Extractor", "Processor", "Guidance")
"""Suffixes of class names of components without weights."""

SIDE_FILES = frozenset({".json", ".txt", ".model", ".jinja"})
"""Suffixes of configs, vocabularies and templates."""

DENOISERS = ("transformer", "unet")
"""Names of the component that a separate denoiser replaces."""

SHARD = re.compile(r"-\d{5}-of-\d{5}$")
STEMS = frozenset({"diffusion_pytorch_model", "model", "pytorch_model"})
"""Names of weight files in Diffusers and Transformers."""


@dataclass(frozen=True, slots=True)
class PipelineComponent:
    """One component of a pipeline, as its index and its folder have it.

    Attributes:
        name: Its key in the index.
        class_name: Its class.
        folder: Its folder, which is usually called like it.
        weights: Its weight files; empty if it has none, or none are needed.
        others: Its other files.
        lacking: Whether it needs weights and there are none.
    """

    name: str
    class_name: str
    folder: str
    weights: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    lacking: bool = False


@dataclass(frozen=True, slots=True)
class PipelineLayout:
    """The files that a pipeline is loaded from.

    Attributes:
        pipeline: Class name of the pipeline.
        parts: Its components, in the index's order.
        lacks: What is missing, each in a few words.
        index: The index that names them.
    """

    pipeline: str
    parts: tuple[PipelineComponent, ...]
    lacks: tuple[str, ...] = field(default=())
    index: str = INDEX

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all files of the pipeline, its index first."""
        inner = (file for part in self.parts for file in (*part.others, *part.weights))
        return (self.index, *inner)


def layout_of(
    index: Mapping[str, Any],
    names: Iterable[str],
    *,
    index_name: str = INDEX,
    variant: str | None = None,
    allow_pickle: bool = False,
    own_denoiser: bool = True,
    settings_only: bool = False,
) -> PipelineLayout:
    """Choose the files that the pipeline of `index` needs.

    For each component's weights: safetensors of the variant, else safetensors without variant, else
    pickles if allowed; never the same weights twice.

    Args:
        index: The content of the index.
        names: Paths of the available files, with `/`.
        index_name: Which index it is: `INDEX` or `MODULAR_INDEX`.
        variant: The wanted variant of the weights.
        allow_pickle: Whether pickles may be used.
        own_denoiser: Whether the pipeline's own denoiser is needed; its config always is.
        settings_only: Whether only configs and tokenizers are needed, for a checkpoint.

    Raises:
        ModelUnavailable: The index isn't that of a pipeline, or a component isn't a class of
            Diffusers or Transformers.
    """
    names = set(names)
    pipeline = index.get("_class_name")
    if isinstance(pipeline, list):
        raise ModelUnavailable(_own_code(index_name))
    if not isinstance(pipeline, str) or (
        index_name == MODULAR_INDEX and "DiffusionPipeline" in bases_of(pipeline)
    ):
        raise ModelUnavailable(
            say("Its {index} doesn't name a pipeline. Choose another model.", index=index_name)
        )
    if index_name == MODULAR_INDEX:
        _require_known_blocks(index.get("_blocks_class_name"), names)
    folders: dict[str, list[str]] = {}
    for name in names:
        folder, slash, rest = name.partition("/")
        if slash and "/" not in rest:
            folders.setdefault(folder, []).append(name)
    parts: list[PipelineComponent] = []
    lacks: list[str] = []
    for entry in entries_of(index):
        files = sorted(folders.get(entry.folder, ()))
        if entry.name.startswith(PROMPT_UPSAMPLER) or (not files and _is_extra(entry)):
            continue
        if entry.library is not None and not is_loadable_library(entry.library):
            raise ModelUnavailable(_own_code(entry.name))
        if settings_only and entry.name in NOT_IN_CHECKPOINTS:
            continue
        wanted = not settings_only and (own_denoiser or entry.name not in DENOISERS)
        part = _part(entry, files, variant or entry.variant, allow_pickle, wanted)
        parts.append(part)
        lacks.extend(_lacks(part, files, entry.repository))
    if index_name == MODULAR_INDEX:
        lacks.extend(
            say("the folder {name}", name=name) for name in _unnamed(pipeline, index.keys())
        )
    if variant is not None and not _has_variant(parts, variant):
        lacks.append(say("weights for the variant “{variant}”", variant=variant))
    return PipelineLayout(pipeline, tuple(parts), tuple(lacks), index_name)


def index_among(names: Iterable[str]) -> str | None:
    """The index among the files of a folder; that of a modular pipeline if it has no other."""
    there = set(names)
    return next((name for name in (INDEX, MODULAR_INDEX) if name in there), None)


def _require_known_blocks(blocks: object, names: set[str]) -> None:
    """Raise `ModelUnavailable` if a modular pipeline has other blocks than Diffusers' own."""
    if OWN_BLOCKS in names:
        raise ModelUnavailable(_own_code(OWN_BLOCKS))
    if blocks is not None and not (isinstance(blocks, str) and has_blocks(blocks)):
        raise ModelUnavailable(_own_code(MODULAR_INDEX))


def _unnamed(pipeline: str, names: Container[str]) -> Iterator[str]:
    """The components with weights that a modular pipeline needs and its index doesn't name."""
    blocks = blocks_of(pipeline)
    for name, class_name in (blocks.components if blocks else {}).items():
        needed = not class_name.endswith((*WEIGHTLESS, "Pachifier")) and not EXTRAS.fullmatch(name)
        if needed and name not in names:
            yield name


def _is_extra(entry: IndexEntry) -> bool:
    """Whether a component that isn't there can be left out."""
    return entry.is_unset and EXTRAS.fullmatch(entry.name) is not None


def _own_code(name: str) -> str:
    return say(
        "Its {part} needs code that isn't Diffusers' or Transformers' own. Code from repositories "
        "is never run. Choose another model.",
        part=name,
    )


def _part(
    entry: IndexEntry,
    files: list[str],
    variant: str | None,
    allow_pickle: bool,
    wanted: bool,
) -> PipelineComponent:
    part = PipelineComponent(entry.name, entry.class_name, entry.folder)
    others = tuple(file for file in files if _is_side_file(file))
    if entry.class_name.endswith(WEIGHTLESS) or not wanted:
        return replace(part, others=others)
    endings = (".safetensors", ".bin") if allow_pickle else (".safetensors",)
    for ending in endings:
        for choice in dict.fromkeys((variant, None)):
            if weights := _weights(files, ending, choice):
                maps = [file for file in files if _is_shard_map(file, ending, choice)]
                others += tuple(maps if _are_shards(weights) else ())
                return replace(part, weights=weights, others=others)
    return replace(part, others=others, lacking=True)


def _weights(files: list[str], ending: str, variant: str | None) -> tuple[str, ...]:
    """The files of that variant: a single file, or else its shards."""
    suffix = f".{variant}" if variant else ""
    whole: list[str] = []
    shards: list[str] = []
    for file in files:
        path = PurePosixPath(file)
        if path.suffix != ending:
            continue
        stem = SHARD.sub("", path.stem)
        if stem.removesuffix(suffix) not in STEMS or not stem.endswith(suffix):
            continue
        (whole if stem == path.stem else shards).append(file)
    return tuple(whole[:1] or shards)


def _is_shard_map(file: str, ending: str, variant: str | None) -> bool:
    """Whether that file maps tensors to shards."""
    name = PurePosixPath(file).name
    return name in {
        f"{stem}{ending}.index{f'.{variant}' if variant else ''}.json" for stem in STEMS
    }


def _is_side_file(file: str) -> bool:
    path = PurePosixPath(file)
    return path.suffix in SIDE_FILES and ".index." not in path.name


def _lacks(part: PipelineComponent, files: Iterable[str], repository: str | None) -> Iterator[str]:
    if not part.others and not part.weights and repository is not None:
        yield say(
            "the folder {name} (of {repository})",
            name=part.folder[:MAX_SHOWN],
            repository=repository[:MAX_SHOWN],
        )
    elif not part.others and not part.weights:
        yield say("the folder {name}", name=part.folder[:MAX_SHOWN])
    elif part.lacking:
        others = sorted({PurePosixPath(file).suffix for file in files} & {".bin", ".safetensors"})
        if others:
            yield say(
                "the .safetensors weights of {part} (only other {endings} files found)",
                part=part.name,
                endings=join_list(others, AND),
            )
        else:
            yield say("the .safetensors weights of {part}", part=part.name)
    else:
        yield from _missing_shards(part)
        if part.weights and f"{part.folder}/config.json" not in part.others:
            yield f"{part.folder}/config.json"


def _missing_shards(part: PipelineComponent) -> Iterator[str]:
    """Shards carry their total in their names: `-00002-of-00003`."""
    if not _are_shards(part.weights):
        return
    promised = int(PurePosixPath(part.weights[0]).stem[-5:])
    if (missing := promised - len(part.weights)) > 0:
        yield say(
            "{missing} of the {promised} weight files of {part}",
            missing=missing,
            promised=promised,
            part=part.name,
        )
    if not any(".index." in file for file in part.others):
        yield say("the weight index of {part}", part=part.name)


def _are_shards(weights: tuple[str, ...]) -> bool:
    return bool(weights) and SHARD.search(PurePosixPath(weights[0]).stem) is not None


def _has_variant(parts: list[PipelineComponent], variant: str) -> bool:
    return any(f".{variant}" in file for part in parts for file in part.weights)
