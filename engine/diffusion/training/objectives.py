"""What a denoiser learns from a noisy picture: the noise, a velocity, or a flow.

Which one it is follows from the model's own scheduler. Noise and timesteps are drawn on the CPU, so
that equal seeds give the same ones on every device.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_density_for_timestep_sampling, compute_snr

from engine.models.families import Noise

LOGIT_MEAN, LOGIT_STD = 0.0, 1.0
"""Of the logit-normal distribution of sigmas, the best of those compared by Esser et al., "Scaling
Rectified Flow Transformers", 2024, section 5.1."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """What the denoiser is shown, and what it should say.

    Attributes:
        noisy: Latents with noise, as the denoiser takes them, shape (rows, …).
        timesteps: The scheduler's, float32, shape (rows,).
        target: What it should predict, in the shape of `noisy`.
        weights: How much each row counts, shape (rows,).
    """

    noisy: torch.Tensor
    timesteps: torch.Tensor
    target: torch.Tensor
    weights: torch.Tensor

    def loss(self, prediction: torch.Tensor) -> torch.Tensor:
        """Mean squared error of each row, weighted, shape (rows,)."""
        errors = (prediction.float() - self.target.float()).square()
        return errors.flatten(1).mean(1) * self.weights


class Objective(Protocol):
    """Makes exercises of latents."""

    def exercise(self, latents: torch.Tensor, generator: torch.Generator) -> Exercise:
        """Add noise at random timesteps.

        Args:
            latents: Without noise, shape (rows, …).
            generator: On the CPU; what it draws decides everything.
        """


class NoisePrediction:
    """A discrete diffusion: the denoiser predicts the noise, or a velocity (Salimans and Ho, 2022).

    Rows are weighted by min(SNR, gamma) over SNR, or over SNR + 1 for a velocity (Hang et al.,
    2023, section 3.4).
    """

    def __init__(self, scheduler: Any, min_snr_gamma: float) -> None:
        """Take the scheduler that the model paints with, and the bound; 0 for equal weights."""
        self._scheduler = DDPMScheduler.from_config(scheduler.config)
        self._velocity = self._scheduler.config.prediction_type == "v_prediction"
        self._gamma = min_snr_gamma

    def exercise(self, latents: torch.Tensor, generator: torch.Generator) -> Exercise:
        """As `Objective.exercise`."""
        count = self._scheduler.config.num_train_timesteps
        timesteps = torch.randint(count, (len(latents),), generator=generator)
        weights = self._weights(timesteps).to(latents.device)
        timesteps = timesteps.to(latents.device)
        noise = _noise_like(latents, generator)
        noisy = self._scheduler.add_noise(latents, noise, timesteps)
        target = noise
        if self._velocity:
            target = self._scheduler.get_velocity(latents, noise, timesteps)
        return Exercise(noisy, timesteps.float(), target, weights)

    def _weights(self, timesteps: torch.Tensor) -> torch.Tensor:
        if not self._gamma:
            return torch.ones(len(timesteps))
        ratio: torch.Tensor = compute_snr(self._scheduler, timesteps)
        return ratio.clamp(max=self._gamma) / (ratio + 1 if self._velocity else ratio)


class FlowMatching:
    """A rectified flow whose denoiser predicts noise minus picture (Liu et al., 2022).

    Sigmas are logit-normal, shifted as the model's scheduler is where its shift is the same for all
    sizes.
    """

    def __init__(self, scheduler: Any) -> None:
        """Take the scheduler that the model paints with."""
        config = scheduler.config
        self._steps = config.get("num_train_timesteps", 1000)
        self._shift = 1.0 if config.get("use_dynamic_shifting") else config.get("shift", 1.0)

    def exercise(self, latents: torch.Tensor, generator: torch.Generator) -> Exercise:
        """As `Objective.exercise`."""
        sigmas = compute_density_for_timestep_sampling(
            "logit_normal", len(latents), LOGIT_MEAN, LOGIT_STD, generator=generator
        )
        sigmas = self._shift * sigmas / (1 + (self._shift - 1) * sigmas)
        noise = _noise_like(latents, generator)
        sigma = sigmas.to(latents).view(-1, *[1] * (latents.dim() - 1))
        noisy = (1 - sigma) * latents + sigma * noise
        rows = sigmas.to(latents.device, torch.float32)
        return Exercise(noisy, rows * self._steps, noise - latents, torch.ones_like(rows))


def objective_of(scheduler: Any, noise: Noise, min_snr_gamma: float) -> Objective:
    """What a model of that kind learns."""
    if noise is Noise.FLOW:
        return FlowMatching(scheduler)
    return NoisePrediction(scheduler, min_snr_gamma)


def _noise_like(latents: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(latents.shape, generator=generator).to(latents)
