"""The file of an adapter: on this machine, or in the shared cache of the Hub."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from engine.errors import ModelUnavailable
from engine.hub.errors import explain_hub_error
from engine.hub.sources import SourceKind, read_source
from speech import say

USUAL = "pytorch_lora_weights.safetensors"
"""What Diffusers and its training scripts call an adapter."""


def adapter_file(text: str) -> Path:
    """The file that `text` names as the source of an adapter; it is downloaded if need be.

    Raises:
        ModelUnavailable: It is not there, cannot be had, or is no `.safetensors` file.
    """
    source = read_source(text)
    if source.kind is SourceKind.GGUF:
        raise ModelUnavailable(
            say("“{source}” isn't a LoRA. LoRAs are .safetensors files.", source=text)
        )
    if source.path is not None and source.path.is_dir():
        return source.path / _only(text, (path.name for path in source.path.iterdir()))
    if source.path is not None:
        return source.path
    assert source.repo is not None, "what is not on this machine is on the Hub"
    try:
        return _from_hub(source.repo, source.file)
    except (OSError, ValueError) as error:
        raise explain_hub_error(error, source.repo) from error


def _from_hub(repo: str, file: str | None) -> Path:
    if file is None:
        try:
            return Path(hf_hub_download(repo, USUAL))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            file = _only(repo, HfApi().list_repo_files(repo))
    return Path(hf_hub_download(repo, file))


def _only(place: str, names: Iterable[str]) -> str:
    """The one file among `names` that can be meant."""
    fitting = sorted(
        name
        for name in names
        if name.endswith(".safetensors") and PurePosixPath(name).parent == PurePosixPath()
    )
    if USUAL in fitting:
        return USUAL
    if not fitting:
        raise ModelUnavailable(
            say("“{place}” contains no LoRA: it has no .safetensors file.", place=place)
        )
    if len(fitting) > 1:
        raise ModelUnavailable(
            say(
                "“{place}” contains {count} files. Specify one, like {place}/{file}.",
                place=place,
                count=len(fitting),
                file=fitting[0],
            )
        )
    return fitting[0]
