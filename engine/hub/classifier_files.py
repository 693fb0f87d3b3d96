"""The files of an image classifier or a segmentation model: a Transformers folder."""

import threading
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.client import HubClient
from engine.hub.downloads import ProgressCallback, download_manifests
from engine.hub.errors import require_cached
from engine.hub.local_files import read_json
from engine.hub.manifest import named_files
from engine.hub.model_folders import CONFIG, WEIGHTS, model_folder, require_usable
from engine.hub.sources import Source, SourceKind
from speech import say

FILES = (CONFIG, "preprocessor_config.json", WEIGHTS)
"""The files of a classifier, the weights last."""


def classifier_on_disk(text: str) -> Path | None:
    """The folder of the classifier `text`; `None` if it's not on disk, but may be on the Hub.

    Raises:
        ModelUnavailable: `text` is a folder that lacks a file, or neither a folder nor a Hub ID.
    """
    return model_folder(
        text, lambda folder: [name for name in FILES if not (folder / name).is_file()]
    )


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
    require_usable(listing, [name for name in FILES if name not in listing.files])
    source = Source(text=text, kind=SourceKind.PIPELINE, repo=text)
    download_manifests((named_files(source, listing, FILES),), hub, on_progress, stop)
    return require_cached(classifier_on_disk(text), text)


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
