"""The timesteps of flow matching: shifted towards the noise, the more so the larger the picture."""

import inspect
from collections.abc import Sequence
from typing import Any, cast

import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift


def dynamic_shift(scheduler: Any, tokens: int) -> float:
    """The shift mu for a picture of so many tokens, linear between those of two sizes.

    Esser et al., "Scaling Rectified Flow Transformers", 2024, section 5.3.2; the constants are in
    the scheduler's configuration, else those of FLUX.1.
    """
    config = scheduler.config
    mu = calculate_shift(
        tokens,
        config.get("base_image_seq_len", 256),
        config.get("max_image_seq_len", 4096),
        config.get("base_shift", 0.5),
        config.get("max_shift", 1.15),
    )
    return cast(float, mu)


def set_flow_timesteps(
    scheduler: Any, steps: int | Sequence[float], device: torch.device, mu: float
) -> None:
    """Tell a scheduler its steps, and as much of the rest as it can be told.

    Args:
        scheduler: The model's own or one with flow sigmas.
        steps: How many steps, or the noise level of each before the shift; a scheduler that only
            has levels of its own takes as many.
        device: Where its tensors go.
        mu: The shift, for a scheduler that is configured to shift by size.
    """
    accepted = inspect.signature(scheduler.set_timesteps).parameters
    options: dict[str, Any] = {}
    if scheduler.config.get("use_dynamic_shifting") and "mu" in accepted:
        options["mu"] = mu
    count = steps if isinstance(steps, int) else len(steps)
    if count is not steps and "sigmas" in accepted:
        options["sigmas"] = steps
    scheduler.set_timesteps(count, device=device, **options)
