"""Quick mode: a sample does without some denoiser calls, and nobody beside it can tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import pytest

from engine.devices.messages import RunJob
from engine.diffusion.families import family_of
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.step_cache import is_smooth
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.model_memory import ModelMemory
from engine.diffusion.schedulers import make_scheduler
from engine.jobs.step_times import share_computed
from engine.memory.plan import Stage
from engine.models import shortcuts
from engine.models.schedulers import SCHEDULERS
from tests.engine.builders import job, model, recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.harness import Harness
from tests.tiny.qwen_image import qwen_image

STEPS = shortcuts.MIN_STEPS


@pytest.fixture(scope="module")
def stable_diffusion(pipes: dict[str, Any]) -> Stepped:
    return family_of(pipes["epsilon"], parts(pipes["epsilon"]), None)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Stepped:
    """Its guidance is normalised, and its prompts are padded to each other's length."""
    pipe = diffusers.AutoPipelineForText2Image.from_pretrained(
        qwen_image(tmp_path_factory.mktemp("qwen"))
    )
    pipe.set_progress_bar_config(disable=True)
    return family_of(pipe, parts(pipe), None)  # type: ignore[return-value]


@contextmanager
def rows_of(family: Stepped) -> Iterator[list[int]]:
    """How many rows each call of the denoiser has."""
    rows: list[int] = []
    denoise = family.denoise

    def count(batch: DenoiserBatch) -> Any:
        rows.append(len(batch.inputs))
        return denoise(batch)

    family.denoise = count  # type: ignore[method-assign]
    try:
        yield rows
    finally:
        del family.denoise


@pytest.mark.parametrize("kind", ["stable_diffusion", "qwen"])
def test_a_quick_picture_is_the_same_alone_and_beside_others(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Those beside it are quick and exact, of other steps and schedulers, and come in later."""
    family: Stepped = request.getfixturevalue(kind)
    noisy = "euler_a" if kind == "stable_diffusion" else "dpmpp_2m_sde"
    recipes = [
        recipe(quick=True, num_inference_steps=STEPS, scheduler="euler", prompt="a red house"),
        recipe(quick=True, num_inference_steps=STEPS + 5, scheduler="unipc", prompt="moon", seed=3),
        recipe(num_inference_steps=STEPS, scheduler="euler", seed=4),
        recipe(quick=True, num_inference_steps=STEPS, scheduler=noisy, seed=5),
        recipe(quick=True, num_inference_steps=STEPS + 1, guidance_scale=1.0, scheduler="euler"),
    ]
    together = paint(family, *recipes, after=[0, 3, 2, 0, 5])
    for asked, beside in zip(recipes, together, strict=True):
        [alone] = paint(family, asked)
        [again] = paint(family, asked)
        assert difference(alone, again) == 0, "as after a restart"
        assert difference(alone, beside) <= ONE_LEVEL, asked.scheduler


def test_rows_are_saved_and_the_rest_is_as_in_exact_mode(stable_diffusion: Stepped) -> None:
    exact = recipe(num_inference_steps=STEPS, scheduler="dpmpp_2m")
    quick = recipe(num_inference_steps=STEPS, scheduler="dpmpp_2m", quick=True)
    with rows_of(stable_diffusion) as exact_rows:
        paint(stable_diffusion, exact)
    assert exact_rows == [2] * STEPS
    with rows_of(stable_diffusion) as quick_rows:
        paint(stable_diffusion, quick)
    assert sum(quick_rows) == round(share_computed(quick) * sum(exact_rows)) < 0.6 * 2 * STEPS
    left_out = sum(shortcuts.forecasts(step, STEPS) for step in range(STEPS))
    assert len(quick_rows) == STEPS - left_out, "what nobody needs isn't called"
    assert 1 in quick_rows, "some steps see the positive prompt alone"
    with rows_of(stable_diffusion) as mixed_rows:
        paint(stable_diffusion, exact, quick)
    assert sum(mixed_rows) == sum(quick_rows) + sum(exact_rows)


def test_a_sampler_that_adds_noise_is_not_extrapolated(stable_diffusion: Stepped) -> None:
    noisy = recipe(num_inference_steps=STEPS, scheduler="euler_a", quick=True)
    with rows_of(stable_diffusion) as rows:
        paint(stable_diffusion, noisy)
    assert len(rows) == STEPS
    assert sum(rows) == round(share_computed(noisy) * 2 * STEPS)


@pytest.mark.parametrize("steps", [4, 8, STEPS - 1])
def test_pictures_of_few_steps_are_painted_in_full(stable_diffusion: Stepped, steps: int) -> None:
    [exact], [quick] = (
        paint(stable_diffusion, recipe(num_inference_steps=steps, quick=quick))
        for quick in (False, True)
    )
    assert difference(exact, quick) == 0


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_table_of_schedulers_knows_which_are_smooth(pipes: dict[str, Any], name: str) -> None:
    scheduler = make_scheduler(pipes["epsilon"].scheduler, name)
    assert is_smooth(scheduler) is SCHEDULERS[name].smooth


def test_only_whole_steps_are_measured(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds and memory of a step mean the same in every mode."""
    measured: list[Stage] = []
    record = ModelMemory.record

    def count(memory: ModelMemory, stage: Stage, *rest: Any) -> None:
        measured.append(stage)
        record(memory, stage, *rest)

    monkeypatch.setattr(ModelMemory, "record", count)
    harness = Harness()
    quick = job(1, num_inference_steps=STEPS, quick=True)
    harness.run(RunJob(quick, model(tiny_model)), jobs=1)
    whole = [
        step
        for step in range(STEPS)
        if shortcuts.guides(step, STEPS) and not shortcuts.forecasts(step, STEPS)
    ]
    assert measured.count(Stage.STEP) == len(whole) < STEPS
