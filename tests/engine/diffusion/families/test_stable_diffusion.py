"""Batch parity is a test, not a hope.

A picture painted alone is the one that Diffusers itself paints, and it stays that picture beside
any other samples.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from engine.diffusion.families import is_stepped
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.previews import STABLE_DIFFUSION_1
from engine.diffusion.schedulers import make_scheduler
from engine.jobs.recipe import MAX_STEPS, Recipe
from engine.models.schedulers import SCHEDULERS
from tests import tiny
from tests.engine.builders import recipe
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts, picture

KINDS = ("epsilon", "v_prediction", "distilled")

OF_EVERY_SORT = ("default", "euler_a", "heun", "dpmpp_2m_sde", "unipc", "lcm")
"""Of one step and of several, of two calls a step, with noise of their own and without."""

Plain = Callable[[str, Recipe], Image]


@pytest.fixture
def families(pipes: dict[str, Any]) -> dict[str, StableDiffusion]:
    return {
        kind: StableDiffusion(pipes[kind], parts(pipes[kind]), STABLE_DIFFUSION_1) for kind in KINDS
    }


@pytest.mark.parametrize(
    ("kind", "scheduler"),
    [
        *(("epsilon", scheduler) for scheduler in SCHEDULERS),
        *((kind, scheduler) for kind in KINDS[1:] for scheduler in OF_EVERY_SORT),
    ],
)
@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    families: dict[str, StableDiffusion],
    plain: Plain,
    kind: str,
    guidance_scale: float,
    scheduler: str,
) -> None:
    asked = recipe(
        negative_prompt="a blue fish", guidance_scale=guidance_scale, scheduler=scheduler, seed=11
    )
    [alone] = paint(families[kind], asked)
    assert difference(alone, plain(kind, asked)) == 0


def test_the_tiny_pictures_tell_settings_apart(
    families: dict[str, StableDiffusion], plain: Plain
) -> None:
    """Else the comparisons of this file would show nothing."""
    base = recipe(negative_prompt="a blue fish", num_inference_steps=6, guidance_scale=20.0)
    others = [
        recipe(num_inference_steps=6, guidance_scale=20.0),
        recipe(num_inference_steps=6, guidance_scale=20.0, prompt="moon"),
        recipe(num_inference_steps=6, guidance_scale=20.0, seed=8),
        recipe(num_inference_steps=6, guidance_scale=3.0),
        recipe(num_inference_steps=7, guidance_scale=20.0),
        recipe(num_inference_steps=6, guidance_scale=20.0, scheduler="euler_a"),
    ]
    for other in others:
        assert difference(plain("v_prediction", base), plain("v_prediction", other)) > 2 * ONE_LEVEL


@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_mixed_schedulers_steps_guidance_and_times_do_not_touch_each_other(
    families: dict[str, StableDiffusion], kind: str
) -> None:
    recipes = [
        recipe(
            scheduler=scheduler,
            seed=100 + i,
            num_inference_steps=2 + i % 8,
            guidance_scale=1.0 if i % 3 == 0 else 2.0 + i,
            prompt="a yellow moon" if i % 2 else "a red house under a tree",
            negative_prompt="fish" if i % 4 else "",
        )
        for i, scheduler in enumerate(SCHEDULERS)
    ]
    together = paint(families[kind], *recipes, after=[0, 1, 0, 2, 5, 3, 1, 4])
    for i, asked in enumerate(recipes):
        [alone] = paint(families[kind], asked)
        assert difference(alone, together[i]) <= ONE_LEVEL, asked.scheduler


def test_a_job_of_several_pictures_counts_its_seeds_up(
    families: dict[str, StableDiffusion], plain: Plain
) -> None:
    together = paint(families["epsilon"], recipe(count=3, seed=2**32 - 2))
    assert len(together) == 3
    for seed, image in zip((2**32 - 2, 2**32 - 1, 0), together, strict=True):
        assert difference(image, plain("epsilon", recipe(seed=seed))) <= ONE_LEVEL


def test_two_jobs_with_the_same_recipe_give_the_same_picture(
    families: dict[str, StableDiffusion],
) -> None:
    """Each has its own generator: the second draws no noise from the first one's."""
    one, other = paint(families["epsilon"], *[recipe(scheduler="euler_a")] * 2)
    assert difference(one, other) <= ONE_LEVEL


def test_a_sample_that_leaves_in_the_middle_leaves_the_others_untouched(
    families: dict[str, StableDiffusion], plain: Plain
) -> None:
    family = families["epsilon"]
    stays, leaves = recipe(seed=1, scheduler="dpmpp_2m"), recipe(seed=2, scheduler="euler_a")
    with torch.inference_mode():
        [sample], [other] = family.begin(stays), family.begin(leaves)
        family.step([sample, other], lambda: None)
        family.step([sample, other], lambda: None)
        while not sample.done:
            family.step([sample], lambda: None)
        assert difference(picture(family, sample), plain("epsilon", stays)) <= ONE_LEVEL


def test_only_samples_of_one_size_share_a_batch(families: dict[str, StableDiffusion]) -> None:
    family = families["epsilon"]
    with torch.inference_mode():
        [sample], [same], [wide] = (
            family.begin(recipe(**size)) for size in ({}, {"seed": 3}, {"width": 128})
        )
        assert family.batch_key(sample) == family.batch_key(same) != family.batch_key(wide)


def test_a_wide_picture_is_wide_and_a_tall_one_tall(families: dict[str, StableDiffusion]) -> None:
    for width, height in ((96, 64), (64, 96)):
        [image] = paint(families["epsilon"], recipe(width=width, height=height))
        assert image.shape == (height, width, 3)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_can_paint_in_one_or_two_steps(
    families: dict[str, StableDiffusion], plain: Plain, scheduler: str, steps: int
) -> None:
    asked = recipe(scheduler=scheduler, num_inference_steps=steps)
    with torch.inference_mode():
        [sample] = families["epsilon"].begin(asked)
        while not sample.done:
            families["epsilon"].step([sample], lambda: None)
        assert torch.isfinite(sample.latents).all()  # type: ignore[attr-defined]
        assert difference(picture(families["epsilon"], sample), plain("epsilon", asked)) == 0


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_number_of_steps_that_may_be_asked_for_leads_from_noise_to_something_finite(
    scheduler: str,
) -> None:
    brought_along = DDIMScheduler(**tiny.SCHEDULE)
    choice = SCHEDULERS[scheduler]
    most = min(MAX_STEPS, choice.max_steps)
    for steps in (1, 2, 3, 4, 5, 7, 14, 15, 16, 25, 33, 50, 150):
        if steps > most:
            break
        own = make_scheduler(brought_along, scheduler)
        own.set_timesteps(steps)
        sample = torch.ones(1, 4, 2, 2) * own.init_noise_sigma
        for t in own.timesteps:
            own.scale_model_input(sample, t)
            sample = own.step(torch.full_like(sample, 0.5), t, sample).prev_sample
        assert torch.isfinite(sample).all(), steps
        once_more = scheduler == "pndm" and steps > 1  # it warms up on its second step
        assert steps <= len(own.timesteps) <= steps * choice.calls_per_step + once_more


def test_a_preview_is_a_small_picture_of_what_the_sample_will_be(
    families: dict[str, StableDiffusion],
) -> None:
    family = families["epsilon"]
    with torch.inference_mode():
        for scheduler in SCHEDULERS:
            [sample] = family.begin(recipe(width=96, scheduler=scheduler))
            assert family.preview(sample) is None, "nothing is known before the first step"
            family.step([sample], lambda: None)
            image = family.preview(sample)
            assert image is not None
            assert (image.size, image.mode) == ((12, 8), "RGB")


def test_a_model_whose_latents_the_map_does_not_know_has_no_preview(
    families: dict[str, StableDiffusion], pipes: dict[str, Any]
) -> None:
    from engine.diffusion.previews import LatentMap

    family = StableDiffusion(
        pipes["epsilon"], parts(pipes["epsilon"]), LatentMap(torch.zeros(16, 3), torch.zeros(3))
    )
    with torch.inference_mode():
        [sample] = family.begin(recipe())
        family.step([sample], lambda: None)
        assert family.preview(sample) is None


def test_stable_diffusion_is_stepped_and_anything_else_runs_whole(pipes: dict[str, Any]) -> None:
    stepped = {kind: is_stepped(pipe) for kind, pipe in pipes.items()}
    assert stepped == dict.fromkeys(KINDS, True) | {"lcm": False, "pag": False}
