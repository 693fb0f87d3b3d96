"""The base of a single-file checkpoint: the model on the Hub that it was made from.

A checkpoint holds weights and nothing else. The configurations of its components and its tokenizers
are those of its base: some 3 MB, in many small files.
"""

from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.single_file import SingleFileCheckpoint, classify
from engine.hub.sources import PICKLES, Source, SourceKind
from engine.hub.tensor_headers import read_safetensors


def base_of(checkpoint: SingleFileCheckpoint) -> Source:
    """Where to have the configurations and tokenizers that a checkpoint goes with."""
    return Source(
        text=checkpoint.base, kind=SourceKind.PIPELINE, repo=checkpoint.base, settings_only=True
    )


def base_in(source: Source, place: Path | None) -> Source | None:
    """The base of the checkpoint in the file `place`, by its header.

    `None` for what is no checkpoint, is not there, or cannot be told: `inspect` says why.
    """
    if source.kind is not SourceKind.CHECKPOINT or place is None or place.suffix.lower() in PICKLES:
        return None
    try:
        return base_of(classify(read_safetensors(place), source.text))
    except ModelUnavailable:
        return None
