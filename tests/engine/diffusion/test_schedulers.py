"""Schedulers by name: on the model's own noise schedule, of either kind.

A model of Gaussian data is known exactly, so each method can be held against the true solution
of its equation: x₀ ~ N(0, s²) gives E[x₀|x] = (1 - σ) s² x / ((1 - σ)² s² + σ²), and noise of
variance 1 flows to s times itself.
"""

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMWuerstchenScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)

from engine.diffusion.schedulers import make_scheduler, noise_of
from engine.errors import InvalidRequest
from engine.models.families import Noise
from engine.models.schedulers import SCHEDULERS, allowed_schedulers
from engine.models.stable_diffusion_checkpoints import TRAILING
from tests import tiny

SPREAD = 0.5
"""Standard deviation of the data."""

STEPS = 24

FLOWS: dict[str, tuple[Any, dict[str, Any]]] = {
    "shifted": (FlowMatchEulerDiscreteScheduler(shift=3.0), {}),
    "shifted by size": (
        FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        {"mu": 1.15},
    ),
    "stretched": (
        FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02),
        {"mu": 0.9},
    ),
    "a solver of its own": (
        DPMSolverMultistepScheduler(
            use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction"
        ),
        {},
    ),
}
"""The kinds of Stable Diffusion 3, FLUX, Qwen-Image and Sana, with what their pipelines pass on."""


def flow(scheduler: Any, noise: torch.Tensor) -> torch.Tensor:
    """Take `noise` through a model of Gaussian data."""
    sample = noise
    options: dict[str, Any] = {}
    if "generator" in inspect.signature(scheduler.step).parameters:
        options["generator"] = torch.Generator().manual_seed(2)
    for t in scheduler.timesteps:
        sigma = float(t) / 1000
        clean = (1 - sigma) * SPREAD**2 / ((1 - sigma) ** 2 * SPREAD**2 + sigma**2) * sample
        sample = scheduler.step((sample - clean) / sigma, t, sample, **options).prev_sample
    return sample


@pytest.fixture(scope="module")
def noise() -> torch.Tensor:
    return torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("name", allowed_schedulers("flux"))
def test_every_scheduler_that_fits_a_flow_leads_from_noise_to_the_data(
    kind: str, name: str, noise: torch.Tensor
) -> None:
    own, shift = FLOWS[kind]
    scheduler = make_scheduler(own, name)
    scheduler.set_timesteps(STEPS, **shift)
    painted = flow(scheduler, noise)
    assert STEPS <= len(scheduler.timesteps) <= STEPS * SCHEDULERS[name].calls_per_step
    assert float(painted.std()) == pytest.approx(SPREAD, rel=0.3)
    if "sde" not in name:
        assert float((painted - SPREAD * noise).abs().mean()) < 0.06


@pytest.mark.parametrize("name", ["heun", "dpmpp_2m", "unipc"])
def test_methods_of_second_order_are_nearer_to_the_truth_in_as_many_steps(
    name: str, noise: torch.Tensor
) -> None:
    own, shift = FLOWS["shifted by size"]
    errors = {}
    for method in ("euler", name):
        scheduler = make_scheduler(own, method)
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / STEPS, STEPS).tolist(), **shift)
        errors[method] = float((flow(scheduler, noise) - SPREAD * noise).abs().mean())
    assert errors[name] < errors["euler"] / 2


@pytest.mark.parametrize("name", ["heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc"])
def test_a_solver_takes_its_steps_where_the_model_would(name: str) -> None:
    own, shift = FLOWS["stretched"]
    sigmas = [1.0, 0.6, 0.3, 0.1]
    schedulers = [make_scheduler(own, method) for method in ("default", name)]
    for scheduler in schedulers:
        scheduler.set_timesteps(sigmas=sigmas, **shift)
    expected, taken = (scheduler.timesteps.unique() for scheduler in schedulers)
    assert torch.equal(expected, taken)


@pytest.mark.parametrize("name", allowed_schedulers("flux"))
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_few_steps_will_do(name: str, steps: int, noise: torch.Tensor) -> None:
    scheduler = make_scheduler(FLOWS["shifted"][0], name)
    for _ in range(2):
        scheduler.set_timesteps(steps)
        painted = flow(scheduler, noise)
    assert torch.isfinite(painted).all()


def test_a_picture_is_noised_as_far_as_the_step_it_starts_from(noise: torch.Tensor) -> None:
    picture = torch.ones_like(noise)
    for name in ("dpmpp_2m", "unipc", "heun", "euler"):
        scheduler = make_scheduler(FLOWS["shifted"][0], name)
        scheduler.set_timesteps(sigmas=[1.0, 0.5])
        begin = scheduler.order
        scheduler.set_begin_index(begin)
        t = scheduler.timesteps[begin:][:1]
        laid_over = getattr(scheduler, "scale_noise", None)
        noised = (
            laid_over(picture, t, noise) if laid_over else scheduler.add_noise(picture, noise, t)
        )
        sigma = float(t) / 1000
        assert sigma == pytest.approx(0.75)
        assert torch.allclose(noised, (1 - sigma) * picture + sigma * noise, atol=1e-4), name


def test_what_a_model_does_not_fit_is_refused_with_a_sentence() -> None:
    betas = DDIMScheduler(**tiny.SCHEDULE)
    assert noise_of(betas) is Noise.BETAS
    for own, _ in FLOWS.values():
        assert noise_of(own) is Noise.FLOW
        with pytest.raises(
            InvalidRequest, match=r"“lcm” doesn't work with this model\. Use “default”"
        ):
            make_scheduler(own, "lcm")
    assert noise_of(DDPMWuerstchenScheduler()) is None
    with pytest.raises(InvalidRequest, match="“euler” doesn't work with this model"):
        make_scheduler(DDPMWuerstchenScheduler(), "euler")


def test_the_options_of_a_checkpoint_hold_for_whichever_scheduler_is_asked_for() -> None:
    own = DDIMScheduler(**tiny.SCHEDULE, **TRAILING)
    for name in ("default", "euler", "dpmpp_2m", "lcm"):
        assert make_scheduler(own, name).config.timestep_spacing == "trailing"
    scheduler = make_scheduler(own, "euler")
    assert isinstance(scheduler, EulerDiscreteScheduler)
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == [999, 749, 499, 249]
