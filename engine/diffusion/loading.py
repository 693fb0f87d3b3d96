"""From a model's entry in the catalogue to a family on its device."""

import logging
import warnings
from pathlib import Path
from typing import Any

import diffusers
import transformers
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from engine.diffusion.devices import Device
from engine.diffusion.families import Family, family_of
from engine.diffusion.placement import Parts
from engine.errors import ModelUnavailable
from engine.models import Model

log = logging.getLogger(__name__)


def load(model: Model, device: Device) -> Family:
    """Load the pipeline of `model` and put it on `device`.

    Raises:
        ModelUnavailable: With what is wrong and what would help.
    """
    _quiet()
    pipe = _pipeline(model, device)
    pipe.set_progress_bar_config(disable=True)
    parts = Parts(pipe, device.name)
    folder = Path(model.source)
    family = family_of(pipe, parts, folder if folder.is_dir() else None)
    log.info("Loaded %s: %s as %s", model.name, type(pipe).__name__, type(family).__name__)
    return family


def _quiet() -> None:
    """Progress bars and advice for developers do not belong on the owner's terminal."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.set_verbosity_error()


def _pipeline(model: Model, device: Device) -> Any:
    if Path(model.source).is_absolute() and not Path(model.source).is_dir():
        raise _unavailable(model, f"there is no folder {model.source}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return diffusers.AutoPipelineForText2Image.from_pretrained(
                model.source,
                revision=model.revision,
                variant=model.variant,
                dtype=device.dtype(model.dtype),
                use_safetensors=True,
            )
    except (HFValidationError, OSError, ValueError) as error:
        raise _unavailable(model, _reason(model, error)) from error


def _reason(model: Model, error: BaseException) -> str:
    """What is wrong, by the first cause that tells; Diffusers wraps what the Hub client says."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case GatedRepoError():
                return f"accept its terms at https://huggingface.co/{model.source} and set HF_TOKEN"
            case RepositoryNotFoundError():
                return f"the Hub has no public model “{model.source}”"
            case LocalEntryNotFoundError() | OfflineModeIsEnabled() | ConnectionError():
                return "it is not downloaded, and the Hub cannot be reached"
        cause = cause.__cause__ or cause.__context__
    return str(error).split("\n", 1)[0]


def _unavailable(model: Model, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"The model “{model.name}” cannot be loaded: {why.rstrip('.')}.")
