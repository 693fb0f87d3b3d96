"""Scheduler instances: one for each row, since a scheduler remembers where it is."""

from typing import Any, cast

import diffusers
import torch

from engine.schedulers import SCHEDULERS


def make_scheduler(config: Any, name: str) -> Any:
    """A fresh scheduler called `name`, on the noise schedule that `config` describes."""
    choice = SCHEDULERS[name]
    return getattr(diffusers, choice.class_name).from_config(config, **choice.options)


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
