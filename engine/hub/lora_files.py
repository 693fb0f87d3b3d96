"""The file of a LoRA: on this machine, or in the Hugging Face cache."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from engine.errors import ModelUnavailable
from engine.hub.errors import explain_hub_error
from engine.hub.sources import SourceKind, read_source
from speech import say

DEFAULT_NAME = "pytorch_lora_weights.safetensors"
"""The name that Diffusers and its training scripts give a LoRA."""


def adapter_file(text: str) -> Path:
    """The file of the LoRA with the source `text`, downloaded if need be.

    Raises:
        ModelUnavailable: It doesn't exist, can't be downloaded, or isn't a `.safetensors` file.
    """
    source = read_source(text)
    if source.kind is SourceKind.GGUF:
        raise ModelUnavailable(
            say("“{source}” isn't a LoRA. LoRAs are .safetensors files.", source=text)
        )
    if source.path is not None and source.path.is_dir():
        return source.path / _single(text, (path.name for path in source.path.iterdir()))
    if source.path is not None:
        return source.path
    assert source.repo is not None, "a source without a path is on the Hub"
    try:
        return _from_hub(source.repo, source.file)
    except (OSError, ValueError) as error:
        raise explain_hub_error(error, source.repo) from error


def _from_hub(repo: str, file: str | None) -> Path:
    if file is None:
        try:
            return Path(hf_hub_download(repo, DEFAULT_NAME))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            file = _single(repo, HfApi().list_repo_files(repo))
    return Path(hf_hub_download(repo, file))


def _single(place: str, names: Iterable[str]) -> str:
    """The one file among `names` that can be the LoRA."""
    candidates = sorted(
        name
        for name in names
        if name.endswith(".safetensors") and PurePosixPath(name).parent == PurePosixPath()
    )
    if DEFAULT_NAME in candidates:
        return DEFAULT_NAME
    if not candidates:
        raise ModelUnavailable(
            say("“{place}” contains no LoRA: it has no .safetensors file.", place=place)
        )
    if len(candidates) > 1:
        raise ModelUnavailable(
            say(
                "“{place}” contains {count} files. Specify one, like {place}/{file}.",
                place=place,
                count=len(candidates),
                file=candidates[0],
            )
        )
    return candidates[0]
