"""The files of a language model or a captioning model: a Transformers folder, perhaps in shards."""

import threading
from collections.abc import Collection
from pathlib import Path

from engine.hub.client import HubClient
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import CorruptFile, require_cached
from engine.hub.local_files import read_json
from engine.hub.manifest import named_files
from engine.hub.model_folders import CONFIG, WEIGHTS, model_folder, require_usable
from engine.hub.sources import Source, SourceKind
from speech import say

INDEX = "model.safetensors.index.json"

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")
"""Files of tokenizers, of which there has to be one."""

PROCESSORS = ("preprocessor_config.json", "processor_config.json")
"""Files that say how pictures are shown to a model, of which one that sees has to have one."""

SETTINGS = (".json", ".txt", ".jinja", ".model")
"""Endings of the small files beside the weights: configs, vocabularies, chat templates."""

OTHER_WEIGHTS = ("pytorch_model", "tf_model", "flax_model", "openvino", "onnx")
"""What names begin with that belong to weights in other formats."""


def language_model_on_disk(text: str, *, sees: bool = False) -> Path | None:
    """The folder of the model `text`; `None` if it's not on disk, but may be on the Hub.

    Args:
        text: A folder or a Hub ID.
        sees: Whether it is shown pictures.

    Raises:
        ModelUnavailable: It is a folder that lacks a file, or neither a folder nor a Hub ID.
    """
    return model_folder(text, lambda folder: _missing(folder, sees))


def download_language_model(
    text: str,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
    *,
    sees: bool = False,
) -> Path:
    """Download what is missing of a model on the Hub; returns its folder. Blocks.

    Raises:
        ModelUnavailable: As `engine.hub.downloads.download`.
    """
    listing = hub.listing(text)
    shards: set[str] = set()
    if WEIGHTS not in listing.files and INDEX in listing.files:
        shards = _shards(hub.read_json(listing, INDEX))
    require_usable(listing, _lacking(listing.files.keys(), shards, sees))
    weights = shards or {WEIGHTS}
    small = (name for name in listing.files if _is_setting(name))
    names = [*sorted(small), *sorted(weights)]
    source = Source(text=text, kind=SourceKind.PIPELINE, repo=text)
    download_manifests((named_files(source, listing, names),), hub, on_progress, stop)
    return require_cached(language_model_on_disk(text, sees=sees), text)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weights in a complete folder."""
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    return tuple(folder / name for name in sorted(_shards(read_json(folder / INDEX))))


def _missing(folder: Path, sees: bool) -> list[str]:
    shards = set[str]()
    if not (folder / WEIGHTS).is_file() and (folder / INDEX).is_file():
        shards = _shards(read_json(folder / INDEX))
    return _lacking({file.name for file in folder.iterdir() if file.is_file()}, shards, sees)


def _lacking(names: Collection[str], shards: set[str], sees: bool) -> list[str]:
    """What a model needs that isn't among the names."""
    one_of = [(CONFIG,), TOKENIZERS, *((PROCESSORS,) if sees else ())]
    missing = [choice[0] for choice in one_of if not any(name in names for name in choice)]
    return missing + sorted((shards or {WEIGHTS}) - set(names))


def _shards(index: dict[str, object]) -> set[str]:
    """The files that an index of weights names.

    Raises:
        CorruptFile: It isn't one, or names files elsewhere.
    """
    weights = index.get("weight_map")
    names = set(weights.values()) if isinstance(weights, dict) else set()
    plain = {name for name in names if isinstance(name, str) and Path(name).name == name}
    if not plain or plain != names:
        raise CorruptFile(say("{path} can't be read.", path=INDEX))
    return plain


def _is_setting(name: str) -> bool:
    return (
        "/" not in name
        and name.endswith(SETTINGS)
        and not name.startswith(OTHER_WEIGHTS)
        and name.casefold() not in ("license.txt", "notice.txt")
    )
