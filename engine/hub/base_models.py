"""The base of a single-file checkpoint: the model on the Hub that it was made from.

A checkpoint holds nothing but weights. Its configs and tokenizers are those of its base: some 3 MB
in many small files.
"""

from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub.single_file import SingleFileCheckpoint, classify
from engine.hub.sources import PICKLES, Source, SourceKind
from engine.hub.tensor_headers import read_safetensors


def base_of(checkpoint: SingleFileCheckpoint) -> Source:
    """The source of a checkpoint's configs and tokenizers."""
    return Source(
        text=checkpoint.base, kind=SourceKind.PIPELINE, repo=checkpoint.base, settings_only=True
    )


def base_in(source: Source, file: Path | None) -> Source | None:
    """The base of the checkpoint in `file`, by its header.

    `None` if it isn't a checkpoint, doesn't exist, or isn't recognized: `inspect` says why.
    """
    if source.kind is not SourceKind.CHECKPOINT or file is None or file.suffix.lower() in PICKLES:
        return None
    try:
        return base_of(classify(read_safetensors(file), source.text))
    except ModelUnavailable:
        return None
