"""Where a model's files are: in the owner's folders, or in the Hugging Face cache."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

from engine.errors import ModelUnavailable
from engine.hub.civitai_disk import civitai_file, civitai_partial_bytes
from engine.hub.errors import CorruptFile
from engine.hub.http_download import PARTIAL_SUFFIX
from engine.hub.pipeline_layout import (
    CARD,
    INDEX,
    MODULAR_INDEX,
    PipelineLayout,
    index_among,
    layout_of,
)
from engine.hub.sources import Source, SourceKind
from speech import say


def place_of(source: Source) -> Path | None:
    """The folder or file of a source on disk, complete or not; `None` if there is nothing."""
    if source.civitai is not None:
        return civitai_file(source.civitai)
    if source.repo is None:
        return source.path
    for file in (source.file,) if source.file else (INDEX, MODULAR_INDEX):
        cached = try_to_load_from_cache(
            source.repo, file, cache_dir=constants.HF_HUB_CACHE, revision=source.revision
        )
        if isinstance(cached, str):
            return Path(cached) if source.file else Path(cached).parent
    return None


def index_in(folder: Path) -> str | None:
    """The name of the index in `folder`; `None` if it has none."""
    return index_among(file.name for file in folder.glob("*.json") if file.is_file())


def repo_cache(repo: str) -> Path:
    """Where the Hugging Face cache keeps a repository."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def local_layout(folder: Path, source: Source, *, own_denoiser: bool = True) -> PipelineLayout:
    """Which files of `folder` the pipeline is loaded from.

    Raises:
        CorruptFile: The index can't be read.
        ModelUnavailable: The folder isn't a pipeline.
    """
    name = index_in(folder)
    if name is None:
        raise ModelUnavailable(
            say(
                "The folder {folder} isn't a pipeline: it has no {index}.",
                folder=folder,
                index=INDEX,
            )
        )
    return layout_of(
        read_json(folder / name),
        _names(folder),
        index_name=name,
        variant=source.variant,
        allow_pickle=source.allow_pickle,
        own_denoiser=own_denoiser,
        settings_only=source.settings_only,
    )


def read_json(path: Path) -> dict[str, Any]:
    """The content of a `config.json` or the like.

    Raises:
        CorruptFile: It isn't a JSON object, or is nested too deeply.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(
            say("{path} can't be read: {reason}.", path=path, reason=str(error))
        ) from error
    if not isinstance(content, dict):
        raise CorruptFile(say("{path} isn't a JSON object.", path=path))
    return content


def files_of(source: Source, *, own_denoiser: bool = True) -> dict[str, Path]:
    """The files on disk that a source needs, by their path within it.

    Raises:
        ModelUnavailable: As `local_layout`.
    """
    place = place_of(source)
    if place is None:
        return {}
    if source.kind is not SourceKind.PIPELINE:
        return {source.file or place.name: place}
    names = local_layout(place, source, own_denoiser=own_denoiser).files
    return {name: place / name for name in (*names, CARD) if (place / name).is_file()}


def _names(folder: Path) -> Iterator[str]:
    """Paths of the files in `folder` and its folders; broken links don't count."""
    for inner in sorted(folder.iterdir()):
        if inner.is_file():
            yield inner.name
        elif inner.is_dir():
            for file in os.scandir(inner):
                if file.is_file():
                    yield f"{inner.name}/{file.name}"


def partial_bytes(source: Source) -> int:
    """Bytes in the cache of downloads that aren't finished."""
    if source.civitai is not None:
        return civitai_partial_bytes(source.civitai)
    if source.repo is None:
        return 0
    folder = repo_cache(source.repo)
    pattern = f"*{PARTIAL_SUFFIX}" if any(folder.glob("snapshots/*")) else "*"
    return sum(file.stat().st_size for file in folder.glob(f"blobs/{pattern}"))
