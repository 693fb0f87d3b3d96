"""A sample's state between two steps, and a batch of them as the denoiser takes it."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from engine.diffusion.families.base import Sample
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.step_cache import StepCache
from engine.jobs.recipe import Recipe


@dataclass(eq=False, kw_only=True)
class LatentSample(Sample):
    """A sample of latents: what a pipeline's `__call__` holds in local variables.

    Attributes:
        latents: Noisy latents as the scheduler takes them, with a batch of one.
        pred_original: The model's current prediction of the noiseless latents, same shape.
        conditioning: One for each denoiser input: the negative prompt first, when guided.
        timesteps: The scheduler's timesteps to go through, on the CPU, shape (total_steps,).
        denoiser_timesteps: The same as the denoiser takes them: float32, where it computes.
        scheduler: This sample's own scheduler.
        generator: Its own source of randomness; draws come in the order of Diffusers.
        step_kwargs: Further arguments of the scheduler's `step` (generator, eta).
        init_latents: Latents of the init image, same shape as `latents`.
        noise: The noise that was added to them, same shape.
        cads_generator: Source of the noise that CADS adds to the prompt.
        cache: What it remembers in quick mode.
        extra: Whatever else the family keeps for a sample.
    """

    latents: torch.Tensor
    pred_original: torch.Tensor | None = None
    conditioning: Sequence[Conditioning]
    timesteps: torch.Tensor
    denoiser_timesteps: torch.Tensor
    scheduler: Any
    generator: torch.Generator
    step_kwargs: dict[str, Any]
    init_latents: torch.Tensor | None
    noise: torch.Tensor
    cads_generator: torch.Generator
    cache: StepCache | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def timestep(self) -> torch.Tensor:
        """The scheduler's current timestep, shape ()."""
        return self.timesteps[self.step]

    @property
    def scaled_latents(self) -> torch.Tensor:
        """The latents, scaled as the scheduler wants them for the current timestep."""
        scale = getattr(self.scheduler, "scale_model_input", None)
        if scale is None:
            return self.latents
        return cast(torch.Tensor, scale(self.latents, self.timestep))

    def restore_unmasked(self, latents: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Put the init image back where the mask is black, as noisy as the next step expects.

        Args:
            latents: The latents after a step.
            mask: 1 where it is white, 0 where it is black; broadcasts to their shape.
        """
        kept = self.init_latents
        assert kept is not None, "a mask comes with an init image"
        next_timestep = self.timesteps[self.step + 1 : self.step + 2]
        if len(next_timestep):
            kept = add_noise(self.scheduler, kept, self.noise, next_timestep)
        return (1 - mask) * kept + mask * latents


@dataclass(frozen=True, slots=True)
class DenoiserInput:
    """What one prompt of one sample adds to a denoiser call.

    Attributes:
        sample: Whose input it is.
        latents: Scaled latents, with a batch of one.
        timestep: The scheduler's timestep, float32 where the denoiser computes, shape ().
        conditioning: The prompt.
    """

    sample: LatentSample
    latents: torch.Tensor
    timestep: torch.Tensor
    conditioning: Conditioning


@dataclass(frozen=True, slots=True)
class DenoiserBatch:
    """One denoiser call: the inputs of all samples of a batch, in order."""

    inputs: Sequence[DenoiserInput]

    @property
    def samples(self) -> list[LatentSample]:
        """The sample of each input; a guided one comes twice."""
        return [each.sample for each in self.inputs]

    @property
    def recipe(self) -> Recipe:
        """The first sample's recipe, for what a batch has in common, such as the size."""
        return self.inputs[0].sample.recipe

    @property
    def latents(self) -> torch.Tensor:
        """Shape (inputs, …)."""
        return torch.cat([each.latents for each in self.inputs])

    @property
    def timesteps(self) -> torch.Tensor:
        """Float32, shape (inputs,)."""
        return torch.stack([each.timestep for each in self.inputs])

    def conditioning(self, name: str) -> torch.Tensor:
        """The prompts' tensors called `name`, which must have one shape."""
        return torch.cat([each.conditioning[name] for each in self.inputs])

    def extra(self, name: str) -> torch.Tensor:
        """The samples' extra tensors called `name`."""
        return torch.cat([sample.extra[name] for sample in self.samples])


def add_noise(
    scheduler: Any,
    init_latents: torch.Tensor | None,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
) -> torch.Tensor:
    """Latents to start from: pure noise, or an init image with the noise of the first timestep."""
    noised: torch.Tensor
    if init_latents is None:
        noised = noise * getattr(scheduler, "init_noise_sigma", 1.0)
    elif hasattr(scheduler, "scale_noise"):
        noised = scheduler.scale_noise(init_latents, timesteps[:1], noise)
    else:
        noised = scheduler.add_noise(init_latents, noise, timesteps[:1])
    return noised


def step_kwargs(scheduler: Any, generator: torch.Generator) -> dict[str, Any]:
    """Optional arguments that this scheduler's `step` accepts."""
    accepted = inspect.signature(scheduler.step).parameters
    available: dict[str, Any] = {"generator": generator, "eta": 0.0}
    return {name: value for name, value in available.items() if name in accepted}
