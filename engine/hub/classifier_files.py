"""The files of an image classifier: a Transformers folder, on disk or on the Hub."""

import threading
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache

from engine.errors import ModelUnavailable
from engine.hub.client import HubClient, RepoListing
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import CorruptFile
from engine.hub.local_files import read_json
from engine.hub.manifest import Manifest
from engine.hub.sources import REPOSITORY, Source, SourceKind, is_hub_id
from engine.local_paths import exists, expanded
from speech import say

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = "model.safetensors"
FILES = (CONFIG, PREPROCESSOR, WEIGHTS)
"""The files of a classifier, the weights last."""


def classifier_on_disk(text: str) -> Path | None:
    """The folder of the classifier `text`; `None` if it's not on disk, but may be on the Hub.

    Raises:
        ModelUnavailable: `text` is a folder that lacks a file, or neither a folder nor a Hub ID.
    """
    folder = expanded(text)
    if exists(folder) and folder.is_dir():
        if missing := [name for name in FILES if not (folder / name).is_file()]:
            raise ModelUnavailable(
                say(
                    "The folder {folder} has no image classifier. Missing: {missing}.",
                    folder=folder,
                    missing=", ".join(missing),
                )
            )
        return folder
    if not (REPOSITORY.fullmatch(text) and is_hub_id(text)):
        raise ModelUnavailable(
            say(
                "“{text}” is neither a folder nor a Hub ID. Hub IDs look like owner/name.",
                text=text,
            )
        )
    cached = [try_to_load_from_cache(text, name, constants.HF_HUB_CACHE) for name in FILES]
    places = [Path(each).parent for each in cached if isinstance(each, str)]
    return places[0] if len(places) == len(FILES) else None


def download_classifier(
    text: str,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Download what is missing of a classifier on the Hub; returns its folder. Blocks.

    Raises:
        ModelUnavailable: As `engine.hub.downloads.download`.
    """
    listing = hub.listing(text)
    source = Source(text=text, kind=SourceKind.PIPELINE, repo=text)
    files = tuple(listing.files[name] for name in _required_files(listing))
    download_manifests((Manifest(source, listing, files),), hub, on_progress, stop)
    folder = classifier_on_disk(text)
    if folder is None:
        raise CorruptFile(say("“{text}” couldn't be put into the cache.", text=text))
    return folder


def labels_in(folder: Path) -> tuple[str, ...]:
    """The labels of the classifier in `folder`.

    Raises:
        CorruptFile: Its config can't be read.
    """
    named = read_json(folder / CONFIG).get("id2label") or {}
    return tuple(str(label) for label in named.values())


def check_labels(wanted: tuple[str, ...], available: tuple[str, ...]) -> None:
    """Raise `ModelUnavailable` unless the classifier has all labels that count as unsafe.

    A misspelled label would let everything through.
    """
    known = {label.casefold() for label in available}
    unknown = [label for label in wanted if label.casefold() not in known]
    if unknown:
        raise ModelUnavailable(
            say(
                "The classifier has no label {unknown}. Its labels are {labels}.",
                unknown=", ".join(unknown),
                labels=", ".join(available) or "?",
            )
        )


def _required_files(listing: RepoListing) -> tuple[str, ...]:
    if missing := [name for name in FILES if name not in listing.files]:
        raise ModelUnavailable(
            say(
                "“{repo}” on the Hub isn't a usable image classifier. Missing: {missing}.",
                repo=listing.repo,
                missing=", ".join(missing),
            )
        )
    return FILES
