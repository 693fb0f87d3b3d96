"""Quick mode: what a sample remembers of earlier steps, to do without some denoiser calls.

Each sample has a cache of its own, and knows before a call whether it needs it: samples that don't
leave the batch for that step, and the others are computed without them. (The caches of Diffusers
hold one state for the whole module and decide inside of it, for all rows at once.)
"""

from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)

from engine.models import shortcuts

SMOOTH = (
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)
"""Schedulers that add no noise between steps and call the denoiser once a step, so that its
predictions lie on a smooth curve."""


class StepCache:
    """The last two predictions of one sample, and the last difference that its prompts made."""

    def __init__(self, scheduler: Any, total_steps: int) -> None:
        """Remember nothing yet.

        Args:
            scheduler: The sample's; with one that isn't smooth nothing is extrapolated.
            total_steps: Of the sample.
        """
        self._smooth = is_smooth(scheduler)
        self._total_steps = total_steps
        self._computed: list[tuple[int, torch.Tensor]] = []
        self._difference: torch.Tensor | None = None

    def forecasts(self, step: int) -> bool:
        """Whether `forecast` takes the place of the denoiser at a step."""
        known = self._smooth and len(self._computed) == 2
        return known and shortcuts.forecasts(step, self._total_steps)

    def forecast(self, step: int) -> torch.Tensor:
        """The prediction at a step, extrapolated linearly from the last two that were computed.

        A Taylor expansion of first order by finite differences, as in Liu et al., "From Reusing to
        Forecasting: Accelerating Diffusion Models with TaylorSeers", 2025, of the denoiser's output
        instead of the features of its layers.
        """
        (earlier, first), (later, second) = self._computed
        return second + (second - first) * ((step - later) / (later - earlier))

    def guides(self, step: int) -> bool:
        """Whether the negative prompt is computed at a step."""
        return self._difference is None or shortcuts.guides(step, self._total_steps)

    def negative(self, positive: torch.Tensor, computed: torch.Tensor | None) -> torch.Tensor:
        """The prediction for the negative prompt.

        Where it wasn't computed, it's as far from the positive one as it last was: the difference
        changes slowly (Lv et al., "FasterCache: Training-Free Video Diffusion Model Acceleration
        with High Quality", 2024).
        """
        if computed is None:
            assert self._difference is not None, "it's computed at first"
            return positive - self._difference
        self._difference = positive - computed
        return computed

    def keep(self, step: int, prediction: torch.Tensor) -> None:
        """Remember the prediction that was computed at a step, guidance included."""
        self._computed = [*self._computed[-1:], (step, prediction)]


def is_smooth(scheduler: Any) -> bool:
    """Whether a scheduler's predictions can be extrapolated from step to step."""
    config = scheduler.config
    noisy = str(config.get("algorithm_type")).startswith("sde") or config.get("stochastic_sampling")
    return isinstance(scheduler, SMOOTH) and not noisy
