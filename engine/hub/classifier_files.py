"""The files of an image classifier: a folder of Transformers, here or on the Hub."""

import asyncio
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache

from engine.errors import ModelUnavailable
from engine.hub.cache import download_files, link
from engine.hub.client import HubClient, RepoListing
from engine.hub.errors import CorruptFile
from engine.hub.local_files import read_json
from engine.hub.manifest import Manifest
from engine.hub.sources import REPOSITORY, Source, SourceKind
from speech import say

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = "model.safetensors"
FILES = (CONFIG, PREPROCESSOR, WEIGHTS)
"""Everything that a classifier consists of; the weights last."""


def classifier_here(text: str) -> Path | None:
    """The folder of the classifier that an owner wrote as `text`; `None`: the Hub may have it.

    Raises:
        ModelUnavailable: It is a folder that lacks a file, or neither a folder nor a Hub id.
    """
    folder = Path(text).expanduser()
    if folder.is_dir():
        if missing := [name for name in FILES if not (folder / name).is_file()]:
            raise ModelUnavailable(
                say(
                    "The folder {folder} has no image classifier. Missing: {missing}.",
                    folder=folder,
                    missing=", ".join(missing),
                )
            )
        return folder
    if not REPOSITORY.fullmatch(text):
        raise ModelUnavailable(
            say(
                "“{text}” is neither a folder nor a Hub ID. Hub IDs look like owner/name.",
                text=text,
            )
        )
    cached = [try_to_load_from_cache(text, name, constants.HF_HUB_CACHE) for name in FILES]
    places = [Path(each).parent for each in cached if isinstance(each, str)]
    return places[0] if len(places) == len(FILES) else None


def classifier_folder(text: str, hub: HubClient) -> Path:
    """The folder of a classifier; what is missing is downloaded first. Blocks.

    Raises:
        ModelUnavailable: As `classifier_here`; or the Hub does not have it, or cannot be reached.
    """
    if (folder := classifier_here(text)) is not None:
        return folder
    listing = hub.listing(text)
    manifest = Manifest(
        _source(text), listing, tuple(listing.files[name] for name in _names(listing))
    )
    asyncio.run(download_files((manifest,), hub, lambda file, size: None))
    link(manifest, hub)
    folder = classifier_here(text)
    if folder is None:
        raise CorruptFile(say("“{text}” couldn't be put into the cache.", text=text))
    return folder


def labels_in(folder: Path) -> tuple[str, ...]:
    """What the classifier in the folder can say of a picture.

    Raises:
        CorruptFile: Its configuration cannot be read.
    """
    named = read_json(folder / CONFIG).get("id2label") or {}
    return tuple(str(label) for label in named.values())


def check_labels(wanted: tuple[str, ...], there: tuple[str, ...]) -> None:
    """Raise `ModelUnavailable` unless the classifier has all labels that count as unsafe.

    A name that is spelt otherwise would let everything through.
    """
    known = {label.casefold() for label in there}
    unknown = [label for label in wanted if label.casefold() not in known]
    if unknown:
        raise ModelUnavailable(
            say(
                "The classifier has no label {unknown}. Its labels are {labels}.",
                unknown=", ".join(unknown),
                labels=", ".join(there) or "?",
            )
        )


def _names(listing: RepoListing) -> tuple[str, ...]:
    if missing := [name for name in FILES if name not in listing.files]:
        raise ModelUnavailable(
            say(
                "“{repo}” on the Hub isn't a usable image classifier. Missing: {missing}.",
                repo=listing.repo,
                missing=", ".join(missing),
            )
        )
    return FILES


def _source(text: str) -> Source:
    return Source(text=text, kind=SourceKind.PIPELINE, repo=text)
