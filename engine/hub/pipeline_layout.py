"""The Diffusers layout: which files of a folder, on disk or on the Hub, a pipeline consists of."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from engine.errors import ModelUnavailable
from engine.hub.single_file import NOT_IN_CHECKPOINTS
from speech import AND, join_list, say

INDEX = "model_index.json"

CARD = "README.md"
"""The model card, which names the licence."""

WEIGHTLESS = ("Tokenizer", "TokenizerFast", "Scheduler", "Extractor", "Processor")
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
        name: Its key in the index, and its folder.
        class_name: Its class.
        weights: Its weight files; empty if it has none, or none are needed.
        others: Its other files.
        lacking: Whether it needs weights and there are none.
    """

    name: str
    class_name: str
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
    """

    pipeline: str
    parts: tuple[PipelineComponent, ...]
    lacks: tuple[str, ...] = field(default=())

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all files of the pipeline, its index first."""
        inner = (file for part in self.parts for file in (*part.others, *part.weights))
        return (INDEX, *inner)


def layout_of(
    index: Mapping[str, Any],
    names: Iterable[str],
    *,
    variant: str | None = None,
    allow_pickle: bool = False,
    own_denoiser: bool = True,
    settings_only: bool = False,
) -> PipelineLayout:
    """Choose the files that the pipeline of `index` needs.

    For each component's weights: safetensors of the variant, else safetensors without variant, else
    pickles if allowed; never the same weights twice.

    Args:
        index: The content of `model_index.json`.
        names: Paths of the available files, with `/`.
        variant: The wanted variant of the weights.
        allow_pickle: Whether pickles may be used.
        own_denoiser: Whether the pipeline's own denoiser is needed; its config always is.
        settings_only: Whether only configs and tokenizers are needed, for a checkpoint.

    Raises:
        ModelUnavailable: The index isn't that of a pipeline.
    """
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise ModelUnavailable(
            say("Its {index} doesn't name a pipeline. Choose another model.", index=INDEX)
        )
    folders: dict[str, list[str]] = {}
    for name in names:
        folder, slash, rest = name.partition("/")
        if slash and "/" not in rest:
            folders.setdefault(folder, []).append(name)
    parts: list[PipelineComponent] = []
    lacks: list[str] = []
    for name, entry in index.items():
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str)):
            continue
        if settings_only and name in NOT_IN_CHECKPOINTS:
            continue
        wanted = not settings_only and (own_denoiser or name not in DENOISERS)
        part = _part(name, entry[1], sorted(folders.get(name, ())), variant, allow_pickle, wanted)
        parts.append(part)
        lacks.extend(_lacks(part, folders.get(name, ())))
    if variant is not None and not _has_variant(parts, variant):
        lacks.append(say("weights for the variant “{variant}”", variant=variant))
    return PipelineLayout(pipeline, tuple(parts), tuple(lacks))


def _part(
    name: str,
    class_name: str,
    files: list[str],
    variant: str | None,
    allow_pickle: bool,
    wanted: bool,
) -> PipelineComponent:
    others = tuple(file for file in files if _is_side_file(file))
    if class_name.endswith(WEIGHTLESS) or not wanted:
        return PipelineComponent(name, class_name, (), others)
    endings = (".safetensors", ".bin") if allow_pickle else (".safetensors",)
    for ending in endings:
        for choice in dict.fromkeys((variant, None)):
            if weights := _weights(files, ending, choice):
                maps = [file for file in files if _is_shard_map(file, ending, choice)]
                others += tuple(maps if _are_shards(weights) else ())
                return PipelineComponent(name, class_name, weights, others)
    return PipelineComponent(name, class_name, (), others, lacking=True)


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


def _lacks(part: PipelineComponent, files: Iterable[str]) -> Iterator[str]:
    if not part.others and not part.weights:
        yield say("the folder {name}", name=part.name)
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
        if part.weights and f"{part.name}/config.json" not in part.others:
            yield f"{part.name}/config.json"


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
