"""Scheduler instances: one for each row, since a scheduler remembers where it is."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import diffusers
import numpy as np
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    UniPCMultistepScheduler,
)

from engine.errors import InvalidRequest
from engine.models.families import Noise
from engine.models.schedulers import OWN, SCHEDULERS
from speech import say

PURE_NOISE = 1 - 1e-6
"""Noise level in place of 1, where the signal-to-noise ratio would be zero and its logarithm none;
the same as Diffusers' `UniPCMultistepScheduler` takes."""


VELOCITY = (FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler)
"""Schedulers that take the model's prediction as the way from the picture to the noise."""


def make_scheduler(own: Any, name: str) -> Any:
    """A fresh scheduler called `name`, on the noise schedule of `own`, the model's.

    For a model of the flow-matching kind it takes `sigmas` and `mu` in `set_timesteps` as
    `FlowMatchEulerDiscreteScheduler` does, and spaces its steps as `own` would.

    Raises:
        InvalidRequest: When such a scheduler does not fit the model.
    """
    choice = SCHEDULERS[name]
    if choice == OWN:
        return type(own).from_config(own.config)
    noise = noise_of(own)
    if noise is None or not choice.fits(noise):
        raise InvalidRequest(
            say("The scheduler “{name}” doesn't work with this model. Use “default”.", name=name)
        )
    if noise is Noise.BETAS:
        return getattr(diffusers, str(choice.class_name)).from_config(own.config, **choice.options)
    flow = {
        **own.config,
        "use_flow_sigmas": True,
        "prediction_type": "flow_prediction",
        "shift": own.config.get("shift", own.config.get("flow_shift", 1.0)),
    }
    return FLOW[str(choice.flow_class_name)].from_config(flow, **choice.options)


def noise_of(own: Any) -> Noise | None:
    """How the model that brought `own` along schedules its noise, if in a way that we know."""
    config = own.config
    if type(own).__name__.startswith("FlowMatch") or config.get("use_flow_sigmas"):
        return Noise.FLOW
    return Noise.BETAS if "beta_schedule" in config else None


def predicted_original(
    scheduler: Any, output: Any, sample: torch.Tensor, t: torch.Tensor, prediction: torch.Tensor
) -> torch.Tensor:
    """The picture that the model has in mind, as latents, after a scheduler step.

    Args:
        scheduler: The scheduler that has just stepped.
        output: What its `step` returned.
        sample: The latents that it stepped from.
        t: Their timestep.
        prediction: What the model said of them.

    Returns:
        Predicted x₀ where the scheduler tells it or its velocity leads there, else the noisy
        latents; of the latents' shape.
    """
    original = getattr(output, "pred_original_sample", None)
    if original is None and isinstance(scheduler, VELOCITY):
        original = sample - t / scheduler.config.num_train_timesteps * prediction
    if original is None:
        multistep = getattr(scheduler, "model_outputs", None) or [None]
        original = multistep[-1]
    return cast(torch.Tensor, output.prev_sample if original is None else original)


class _AsTheModelSpaces:
    """Laid over a scheduler: its noise levels are those of `FlowMatchEulerDiscreteScheduler`.

    By themselves the solvers of Diffusers know one way to space the levels each, and none of them
    knows all of the shifts that models of the flow-matching kind are trained with.
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
        """Set the noise levels; the arguments are those of `FlowMatchEulerDiscreteScheduler`.

        Without `sigmas` they are, before shifting, 1 to 1 / steps in equal steps, as in the
        pipelines of FLUX: methods of second order go astray where the last level but one is
        close to zero.
        """
        if sigmas is None and num_inference_steps is not None:
            sigmas = np.linspace(1.0, 1 / num_inference_steps, num_inference_steps).tolist()
        spacing = FlowMatchEulerDiscreteScheduler.from_config(self.config)
        spacing.set_timesteps(num_inference_steps, device, sigmas, mu)
        self._reset(len(spacing.timesteps), device)
        self._take(spacing.timesteps, spacing.sigmas.cpu())

    def _reset(self, steps: int, device: str | torch.device | None) -> None:
        """Forget an earlier run."""
        dynamic = self.config.get("use_dynamic_shifting", False)
        super().set_timesteps(steps, device, **{"mu": 0.0} if dynamic else {})  # type: ignore[misc]

    def _take(self, timesteps: torch.Tensor, sigmas: torch.Tensor) -> None:
        """Take the timesteps, shape (steps,), and their noise levels with a 0 behind them."""
        self.timesteps, self.sigmas = timesteps, sigmas.clamp(max=PURE_NOISE)


class FlowDPMSolver(_AsTheModelSpaces, DPMSolverMultistepScheduler):  # type: ignore[misc]
    """DPM-Solver++ on the noise levels of a flow-matching model."""


class FlowUniPC(_AsTheModelSpaces, UniPCMultistepScheduler):  # type: ignore[misc]
    """UniPC on the noise levels of a flow-matching model."""


class FlowHeun(_AsTheModelSpaces, FlowMatchHeunDiscreteScheduler):  # type: ignore[misc]
    """Heun's method on the noise levels of a flow-matching model."""

    def _reset(self, steps: int, device: str | torch.device | None) -> None:
        FlowMatchHeunDiscreteScheduler.set_timesteps(self, steps, device)

    def _take(self, timesteps: torch.Tensor, sigmas: torch.Tensor) -> None:
        """All but the first are visited twice: as the end of a step and the beginning of one."""
        twice = timesteps[1:].repeat_interleave(2)
        self.timesteps = torch.cat([timesteps[:1], twice])
        self.sigmas = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])


FLOW: Mapping[str, Any] = {
    "FlowMatchEulerDiscreteScheduler": FlowMatchEulerDiscreteScheduler,
    "FlowMatchHeunDiscreteScheduler": FlowHeun,
    "DPMSolverMultistepScheduler": FlowDPMSolver,
    "UniPCMultistepScheduler": FlowUniPC,
}
