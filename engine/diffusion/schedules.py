"""Scheduler instances: one for each row, since a scheduler remembers where it is."""

from typing import Any, cast

import diffusers
import torch

from engine.errors import InvalidRequest
from engine.schedulers import SCHEDULERS


def make_scheduler(own: Any, name: str) -> Any:
    """A fresh scheduler called `name`, on the noise schedule of `own`, the model's.

    All schedulers by name diffuse by betas; a flow-matching model takes only its own.

    Raises:
        InvalidRequest: When such a scheduler does not fit the model.
    """
    choice = SCHEDULERS[name]
    if choice.class_name is None:
        return type(own).from_config(own.config)
    if "beta_schedule" not in own.config:
        raise InvalidRequest(f"The scheduler “{name}” does not fit this model; “default” does.")
    return getattr(diffusers, choice.class_name).from_config(own.config, **choice.options)


def predicted_original(scheduler: Any, output: Any) -> torch.Tensor:
    """The picture that the model has in mind, as latents, after a scheduler step.

    Args:
        scheduler: The scheduler that has just stepped.
        output: What its `step` returned.

    Returns:
        Predicted x₀ where the scheduler tells it, else the noisy latents; of the latents' shape.
    """
    original = getattr(output, "pred_original_sample", None)
    if original is None:
        multistep = getattr(scheduler, "model_outputs", None) or [None]
        original = multistep[-1]
    return cast(torch.Tensor, output.prev_sample if original is None else original)
