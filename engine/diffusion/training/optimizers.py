"""The optimizers that a request can ask for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from engine.errors import InvalidRequest
from engine.training.request import Optimizer, TrainingRequest
from speech import say

WEIGHT_DECAY = 0.01


def make_optimizer(
    parameters: Sequence[nn.Parameter],
    request: TrainingRequest,
    encoders: Sequence[nn.Parameter] = (),
) -> Any:
    """What moves these weights.

    Args:
        parameters: Those of the denoiser.
        request: How they are trained.
        encoders: Those of text encoders, which have a rate of their own unless the optimizer finds
            it.

    Raises:
        InvalidRequest: The library that has it isn't installed.
    """
    try:
        match request.optimizer:
            case Optimizer.ADAMW8:
                from bitsandbytes.optim import AdamW8bit

                kind, options = AdamW8bit, {}
            case Optimizer.PRODIGY:
                from prodigyopt import Prodigy

                # As its authors recommend for diffusion models (https://github.com/konstmish/prodigy).
                kind = Prodigy
                options = {"use_bias_correction": True, "safeguard_warmup": True}
            case Optimizer.ADAMW:
                kind, options = torch.optim.AdamW, {}
    except ImportError as error:
        raise InvalidRequest(
            say(
                "The optimizer {name} needs the package {package}. Install it, or choose adamw.",
                name=request.optimizer.value,
                package=error.name or "",
            )
        ) from error
    groups: list[dict[str, Any]] = [{"params": parameters}]
    if encoders:
        own = request.optimizer is Optimizer.PRODIGY
        rate = request.learning_rate if own else request.text_encoder_rate
        groups.append({"params": encoders, "lr": rate})
    return kind(groups, lr=request.learning_rate, weight_decay=WEIGHT_DECAY, **options)
