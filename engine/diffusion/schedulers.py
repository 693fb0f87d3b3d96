"""Scheduler instances: one for each sample, since a scheduler keeps state."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

import diffusers
import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    UniPCMultistepScheduler,
)

from engine.errors import InvalidRequest
from engine.models.families import Noise
from engine.models.schedulers import OWN, SCHEDULERS
from speech import say

ZERO_SNR = "rescale_betas_zero_snr"
"""The option of schedulers whose last step is pure noise (Lin et al., 2023, algorithm 1)."""

PURE_NOISE = 1 - 1e-6
"""Sigma in place of 1, where the logarithm of the signal-to-noise ratio isn't defined; the value of
Diffusers' `UniPCMultistepScheduler`."""


VELOCITY = (FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler)
"""Schedulers that take the model's prediction as the velocity from picture to noise."""


def make_scheduler(model_scheduler: Any, name: str) -> Any:
    """A new scheduler called `name`, on the noise schedule of the model's.

    For a flow-matching model its `set_timesteps` takes `sigmas` and `mu` as that of
    `FlowMatchEulerDiscreteScheduler` does, and spaces the steps as the model's scheduler would.

    Raises:
        InvalidRequest: Such a scheduler doesn't work with the model.
    """
    config = model_scheduler.config
    choice = SCHEDULERS[name]
    if choice == OWN:
        return type(model_scheduler).from_config(config)
    noise = noise_of(model_scheduler)
    unfit = say("The scheduler “{name}” doesn't work with this model. Use “default”.", name=name)
    if noise is None or not choice.fits(noise):
        raise InvalidRequest(unfit)
    if noise is Noise.BETAS:
        kind = getattr(diffusers, str(choice.class_name))
        if config.get(ZERO_SNR) and not _takes(kind, ZERO_SNR):
            raise InvalidRequest(unfit)
        return kind.from_config(config, **choice.options)
    flow_config = {
        **config,
        "use_flow_sigmas": True,
        "prediction_type": "flow_prediction",
        "shift": config.get("shift", config.get("flow_shift", 1.0)),
    }
    return FLOW[str(choice.flow_class_name)].from_config(flow_config, **choice.options)


def with_options(scheduler: Any, options: Mapping[str, Any]) -> Any:
    """A model's scheduler with `options` laid over its configuration.

    Those that can't end in pure noise give way to DDIM, which the paper on it uses.
    """
    kind = type(scheduler)
    if options.get(ZERO_SNR) and not _takes(kind, ZERO_SNR):
        kind = DDIMScheduler
    return kind.from_config({**scheduler.config, **options})


def _takes(kind: Any, option: str) -> bool:
    return option in inspect.signature(kind.__init__).parameters


def noise_of(scheduler: Any) -> Noise | None:
    """How a model's scheduler schedules noise; `None` if that is neither of the known ways."""
    config = scheduler.config
    if type(scheduler).__name__.startswith("FlowMatch") or config.get("use_flow_sigmas"):
        return Noise.FLOW
    return Noise.BETAS if "beta_schedule" in config else None


def predicted_original(
    scheduler: Any, output: Any, latents: torch.Tensor, t: torch.Tensor, prediction: torch.Tensor
) -> torch.Tensor:
    """The model's prediction of the noiseless latents, after a scheduler step.

    Args:
        scheduler: The scheduler that has just stepped.
        output: What its `step` returned.
        latents: The latents that it stepped from.
        t: Their timestep.
        prediction: The denoiser's output for them.

    Returns:
        Predicted x₀ where the scheduler gives it or the velocity leads there, else the noisy
        latents; of the latents' shape.
    """
    original = getattr(output, "pred_original_sample", None)
    if original is None and isinstance(scheduler, VELOCITY):
        original = latents - t / scheduler.config.num_train_timesteps * prediction
    if original is None:
        multistep = getattr(scheduler, "model_outputs", None) or [None]
        original = multistep[-1]
    return cast(torch.Tensor, output.prev_sample if original is None else original)


class _FlowMatchSigmas:
    """A mixin: gives a scheduler the sigmas of `FlowMatchEulerDiscreteScheduler`.

    By itself each of Diffusers' solvers spaces its sigmas in one way, and none has all of the
    shifts that flow-matching models are trained with.
    """

    config: Any
    timesteps: torch.Tensor
    sigmas: torch.Tensor

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        sigmas: Sequence[float] | None = None,
        mu: float | None = None,
    ) -> None:
        """Set the sigmas; the arguments are those of `FlowMatchEulerDiscreteScheduler`.

        Without `sigmas` they are, before the shift, 1 to 1 / steps in equal steps, as in the FLUX
        pipelines: second-order methods diverge where the last but one is close to zero.
        """
        if sigmas is None and num_inference_steps is not None:
            sigmas = np.linspace(1.0, 1 / num_inference_steps, num_inference_steps).tolist()
        reference = FlowMatchEulerDiscreteScheduler.from_config(self.config)
        reference.set_timesteps(num_inference_steps, device, sigmas, mu)
        self._reset(len(reference.timesteps), device)
        self._use_sigmas(reference.timesteps, reference.sigmas.cpu())

    def _reset(self, steps: int, device: str | torch.device | None) -> None:
        """Clear the state of an earlier run."""
        dynamic = self.config.get("use_dynamic_shifting", False)
        super().set_timesteps(steps, device, **{"mu": 0.0} if dynamic else {})  # type: ignore[misc]

    def _use_sigmas(self, timesteps: torch.Tensor, sigmas: torch.Tensor) -> None:
        """Use these timesteps, shape (steps,), and their sigmas, which end in 0."""
        self.timesteps, self.sigmas = timesteps, sigmas.clamp(max=PURE_NOISE)


class FlowDPMSolver(_FlowMatchSigmas, DPMSolverMultistepScheduler):  # type: ignore[misc]
    """DPM-Solver++ on the sigmas of a flow-matching model."""


class FlowUniPC(_FlowMatchSigmas, UniPCMultistepScheduler):  # type: ignore[misc]
    """UniPC on the sigmas of a flow-matching model."""


class FlowHeun(_FlowMatchSigmas, FlowMatchHeunDiscreteScheduler):  # type: ignore[misc]
    """Heun's method on the sigmas of a flow-matching model."""

    def _reset(self, steps: int, device: str | torch.device | None) -> None:
        FlowMatchHeunDiscreteScheduler.set_timesteps(self, steps, device)

    def _use_sigmas(self, timesteps: torch.Tensor, sigmas: torch.Tensor) -> None:
        """All but the first come twice: as the end of a step and as the start of the next."""
        twice = timesteps[1:].repeat_interleave(2)
        self.timesteps = torch.cat([timesteps[:1], twice])
        self.sigmas = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])


FLOW: Mapping[str, Any] = {
    "FlowMatchEulerDiscreteScheduler": FlowMatchEulerDiscreteScheduler,
    "FlowMatchHeunDiscreteScheduler": FlowHeun,
    "DPMSolverMultistepScheduler": FlowDPMSolver,
    "UniPCMultistepScheduler": FlowUniPC,
}
