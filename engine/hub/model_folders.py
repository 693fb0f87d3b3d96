"""Folders of Transformers models: the owner's own, or in the Hugging Face cache."""

from collections.abc import Callable, Sequence
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache

from engine.errors import ModelUnavailable
from engine.hub.client import RepoListing
from engine.hub.sources import REPOSITORY, is_hub_id
from engine.local_paths import exists, expanded
from speech import say

CONFIG = "config.json"

WEIGHTS = "model.safetensors"
"""The weights, if they aren't in shards. Only safetensors: they can't run code."""


def model_folder(text: str, missing_in: Callable[[Path], Sequence[str]]) -> Path | None:
    """The folder of the model `text`; `None` if it's not on disk, but may be on the Hub.

    Args:
        text: A folder or a Hub ID.
        missing_in: What of the model a folder lacks.

    Raises:
        ModelUnavailable: It is a folder that lacks a file, or neither a folder nor a Hub ID.
    """
    if (folder := own_folder(text)) is not None:
        require_complete(folder, missing_in(folder))
        return folder
    if not (REPOSITORY.fullmatch(text) and is_hub_id(text)):
        raise ModelUnavailable(
            say(
                "“{text}” is neither a folder nor a Hub ID. Hub IDs look like owner/name.",
                text=text,
            )
        )
    cached = cached_folder(text, (CONFIG,))
    return None if cached is None or missing_in(cached) else cached


def own_folder(text: str) -> Path | None:
    """The folder on this machine that `text` is the path of, if there is one."""
    folder = expanded(text)
    return folder if exists(folder) and folder.is_dir() else None


def cached_folder(repo: str, names: Sequence[str]) -> Path | None:
    """Where the cache has these files of a repository; `None` unless it has all."""
    cached = [try_to_load_from_cache(repo, name, constants.HF_HUB_CACHE) for name in names]
    folders = [Path(file).parent for file in cached if isinstance(file, str)]
    return folders[0] if len(folders) == len(names) else None


def require_complete(folder: Path, missing: Sequence[str]) -> None:
    """Raise `ModelUnavailable` if a folder lacks something."""
    if missing:
        raise ModelUnavailable(
            say(
                "The folder {folder} isn't a complete Transformers model. Missing: {missing}.",
                folder=folder,
                missing=", ".join(missing),
            )
        )


def require_usable(listing: RepoListing, missing: Sequence[str]) -> None:
    """Raise `ModelUnavailable` if a repository lacks something."""
    if missing:
        raise ModelUnavailable(
            say(
                "“{repo}” on the Hub isn't a usable Transformers model. Missing: {missing}.",
                repo=listing.repo,
                missing=", ".join(missing),
            )
        )
