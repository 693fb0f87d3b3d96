"""A pipeline without a family file still paints, tells how far it is, and can be stopped."""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import diffusers
import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.whole_arguments import call_arguments
from engine.diffusion.families.whole_pipeline import WholePipeline
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.offload import AccelerateOffload
from engine.diffusion.overflow import NumbersOverflowed
from engine.errors import InvalidRequest
from engine.hub import LocalFiles
from engine.jobs.recipe import AdapterUse, Recipe
from engine.models.adapters import AdapterCatalogue
from engine.settings import AdapterSettings
from tests.engine import builders as making
from tests.engine.builders import engine_settings, model
from tests.engine.diffusion.conftest import Image
from tests.tiny.adapters import lora
from tests.tiny.others import BUILDERS


def recipe(**fields: Any) -> Recipe:
    """A recipe for a pipeline that brings its own scheduler."""
    return making.recipe(**{"scheduler": "default"} | fields)


def plain(pipe: Any, asked: Recipe, **arguments: Any) -> Image:
    """What the pipeline paints when it is called as its documentation says."""
    result = pipe(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        **arguments,
    )
    return np.asarray(result.images[0]).astype(np.int16)


def whole(pipe: Any) -> WholePipeline:
    return WholePipeline(pipe, AccelerateOffload(pipe, torch.device("cpu")))


@torch.inference_mode()
def paint(pipe: Any, asked: Recipe) -> list[Image]:
    family = whole(pipe)
    samples = family.begin(asked)
    family.step(samples, lambda: None)
    return [np.asarray(family.finish(sample)).astype(np.int16) for sample in samples]


@pytest.mark.parametrize("kind", ["lcm", "pag"])
def test_it_paints_what_the_plain_call_paints(pipes: dict[str, Any], kind: str) -> None:
    asked = recipe()
    [whole] = paint(pipes[kind], asked)
    assert np.array_equal(whole, plain(pipes[kind], asked))


def test_a_negative_prompt_reaches_a_pipeline_that_takes_one(pipes: dict[str, Any]) -> None:
    asked = recipe(negative_prompt="a blue fish", guidance_scale=20.0)
    [whole] = paint(pipes["pag"], asked)
    assert np.array_equal(whole, plain(pipes["pag"], asked, negative_prompt="a blue fish"))
    assert not np.array_equal(whole, plain(pipes["pag"], asked))


def test_each_picture_of_a_job_has_its_own_seed(pipes: dict[str, Any]) -> None:
    first, second = paint(pipes["lcm"], recipe(count=2))
    assert np.array_equal(first, plain(pipes["lcm"], recipe(seed=7)))
    assert np.array_equal(second, plain(pipes["lcm"], recipe(seed=8)))


def test_samples_go_alone(pipes: dict[str, Any]) -> None:
    family = whole(pipes["lcm"])
    one, other = family.begin(recipe(count=2))
    assert family.batch_key(one) != family.batch_key(other)
    assert family.preview(one) is None


def test_between_two_steps_it_tells_how_far_it_is_and_looks_up(pipes: dict[str, Any]) -> None:
    family = whole(pipes["lcm"])
    [sample] = family.begin(recipe(num_inference_steps=5))
    seen: list[int] = []
    with torch.inference_mode():
        family.step([sample], lambda: seen.append(sample.step))
    assert seen == [1, 2, 3, 4, 4], "the last one is only done when the picture is there"
    assert sample.done


def test_a_sample_cancelled_in_the_middle_ends_there_and_the_pipeline_can_be_used_again(
    pipes: dict[str, Any],
) -> None:
    family = whole(pipes["lcm"])
    [sample] = family.begin(recipe(num_inference_steps=10))
    seen: list[int] = []

    def change_my_mind() -> None:
        seen.append(sample.step)
        sample.cancelled = len(seen) == 3

    with torch.inference_mode():
        family.step([sample], change_my_mind)
    assert seen == [1, 2, 3]
    assert sample.step == 3, "so that the time of a step is not learned as too short"
    [again] = paint(pipes["lcm"], recipe())
    assert np.array_equal(again, plain(pipes["lcm"], recipe()))


def test_what_a_pipeline_does_not_take_is_not_given_to_it(pipes: dict[str, Any]) -> None:
    """A pipeline without guidance or callback, such as a one-step model, is called without."""

    class Simple(diffusers.DiffusionPipeline):  # type: ignore[misc]
        components: ClassVar[dict[str, Any]] = {}

        def __call__(self, prompt: str, generator: torch.Generator) -> Any:
            return pipes["lcm"](prompt=prompt, width=64, height=64, generator=generator)

    samples: list[Sample] = whole(Simple()).begin(recipe())
    with torch.inference_mode():
        whole(Simple()).step(samples, lambda: None)
    assert samples[0].done


def test_another_scheduler_than_its_own_is_refused(pipes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="only works with its own scheduler, not “euler”"):
        whole(pipes["pag"]).begin(recipe(scheduler="euler"))


@pytest.mark.parametrize(
    ("dtype", "withheld", "refused"),
    [
        (torch.float16, None, True),
        (torch.bfloat16, [False], True),
        (torch.float16, [True], False),
        (torch.float32, None, False),
    ],
)
def test_a_black_picture_in_half_precision_counts_as_an_overflow(
    dtype: torch.dtype, withheld: list[bool] | None, refused: bool
) -> None:
    """Unless a safety checker blackened it; in float32 there is nothing wider to try."""

    class Black:
        def __call__(self, prompt: str) -> Any:
            image = PIL.Image.new("RGB", (8, 8))
            return SimpleNamespace(images=[image], nsfw_content_detected=withheld)

        def to(self, device: torch.device) -> None: ...

        def maybe_free_model_hooks(self) -> None: ...

    pipe = Black()
    pipe.dtype = dtype  # type: ignore[attr-defined]
    with pytest.raises(NumbersOverflowed) if refused else nullcontext():
        paint(pipe, recipe())


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of pipelines outside Diffusers' map of text-to-image pipelines, by class."""
    new = tmp_path_factory.mktemp
    return {name: build(new(name) / "model") for name, build in BUILDERS.items()}


def load(folder: Path, find: Callable[[str], Path] | None = None) -> LoadedModel:
    settings = engine_settings()
    adapters = {name: AdapterSettings(source=name) for name in ("ink", "other")}
    setup = ExecutorSetup(
        settings=settings,
        find_files=lambda name, origin: LocalFiles(folder=folder),
        adapters=AdapterCatalogue(adapters, find_file=find or Path),
    )
    asked = model(folder, scheduler="default")
    return ModelLoader(setup, Device.choose(settings)).load(asked, lambda nbytes: None)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_class_that_the_index_names_paints_what_its_own_call_paints(
    name: str, others: dict[str, Path]
) -> None:
    """It isn't in Diffusers' map, and a black or grey picture would show nothing."""
    loaded = load(others[name])
    assert type(loaded.pipe).__name__ == name
    asked = recipe(num_inference_steps=2, negative_prompt="a blue fish")
    with torch.inference_mode():
        samples = loaded.family.begin(asked)
        seen: list[int] = []
        loaded.family.step(samples, lambda: seen.append(samples[0].step))
        painted = np.asarray(loaded.family.finish(samples[0])).astype(np.int16)
    pipe = diffusers.DiffusionPipeline.from_pretrained(others[name])
    pipe.set_progress_bar_config(disable=True)
    expected = plain(pipe, asked, negative_prompt="a blue fish")
    assert np.array_equal(painted, expected)
    assert painted.std() > 10
    assert seen == [1, 1]
    assert not np.array_equal(painted, plain(pipe, asked))


def test_a_lora_is_worn_by_whoever_asks_for_it_and_one_of_another_family_is_refused(
    others: dict[str, Path], tmp_path: Path
) -> None:
    pipe = diffusers.DiffusionPipeline.from_pretrained(others["ErnieImagePipeline"])
    pipe.set_progress_bar_config(disable=True)
    files = {
        "ink": lora(tmp_path / "ink.safetensors", pipe, "transformer", seed=1),
        "other": tmp_path / "other.safetensors",
    }
    save_file(
        {f"unet.{n}.weight": torch.ones(2, 2) for n in ("a.lora_A", "a.lora_B")}, files["other"]
    )
    family = load(others["ErnieImagePipeline"], files.__getitem__).family

    def wearing(*uses: AdapterUse) -> Image:
        asked = recipe(num_inference_steps=2, adapters=uses)
        with torch.inference_mode():
            samples = family.begin(asked)
            family.step(samples, lambda: None)
        return np.asarray(family.finish(samples[0])).astype(np.int16)

    bare = plain(pipe, recipe(num_inference_steps=2))
    pipe.load_lora_weights(files["ink"], adapter_name="ink")
    pipe.set_adapters(["ink"], [0.5])
    expected = plain(pipe, recipe(num_inference_steps=2))
    assert not np.array_equal(bare, expected)
    assert np.array_equal(wearing(AdapterUse("ink", 0.5)), expected)
    assert np.array_equal(wearing(), bare)
    with pytest.raises(InvalidRequest, match="It wasn't made for ErnieImagePipeline models"):
        wearing(AdapterUse("other", 1.0))
    assert np.array_equal(wearing(AdapterUse("ink", 0.5)), expected)


def test_a_pipeline_that_loads_no_loras_says_so(others: dict[str, Path]) -> None:
    family = load(others["BriaPipeline"]).family
    with pytest.raises(InvalidRequest, match="tiny doesn't support LoRAs"):
        family.load_adapters(recipe(adapters=(AdapterUse("ink", 1.0),)))
    with pytest.raises(InvalidRequest, match="tiny doesn't support start images"):
        family.begin(recipe(), InitImage(PIL.Image.new("RGB", (8, 8))))


@pytest.mark.parametrize("kind", ["lcm", "pag"])
def test_a_start_image_goes_to_the_sibling_that_takes_one(pipes: dict[str, Any], kind: str) -> None:
    start = PIL.Image.effect_noise((96, 80), 80).convert("RGB")
    asked = recipe(num_inference_steps=8, strength=0.5)
    family = whole(pipes[kind])
    [sample] = family.begin(asked, InitImage(start))
    seen: list[int] = []
    with torch.inference_mode():
        family.step([sample], lambda: seen.append(sample.step))
    sibling = diffusers.AutoPipelineForImage2Image.from_pipe(pipes[kind])
    sibling.set_progress_bar_config(disable=True)
    result = sibling(
        prompt=asked.prompt,
        image=start.resize((64, 64), PIL.Image.Resampling.LANCZOS),
        strength=0.5,
        num_inference_steps=8,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
    )
    assert np.array_equal(np.asarray(family.finish(sample)), np.asarray(result.images[0]))
    assert seen[-1] == sample.total_steps - 1 == 3
    with pytest.raises(InvalidRequest, match="tiny doesn't support masks"):
        family.begin(asked, InitImage(start, start.convert("L")))
    [alone] = paint(pipes[kind], recipe())
    assert np.array_equal(alone, plain(pipes[kind], recipe()))


def test_a_pipeline_without_a_callback_is_told_by_its_scheduler_and_stopped_there(
    others: dict[str, Path],
) -> None:
    bria = load(others["BriaPipeline"]).pipe

    class Silent(diffusers.BriaPipeline):  # type: ignore[misc]
        """Calls its picture `image`, as Kandinsky 5 does."""

        def __call__(self, prompt: str, num_inference_steps: int, generator: Any) -> Any:
            options = {"num_inference_steps": num_inference_steps, "generator": generator}
            return SimpleNamespace(
                image=super().__call__(prompt, height=64, width=64, **options).images
            )

    pipe = Silent(**bria.components)
    pipe.set_progress_bar_config(disable=True)
    family = whole(pipe)
    [sample] = family.begin(recipe())
    seen: list[int] = []
    with torch.inference_mode():
        family.step([sample], lambda: seen.append(sample.step))
        assert seen == [1, 2, 3, 3]
        [other] = family.begin(recipe())
        other.cancelled = True
        family.step([other], lambda: None)
    assert family.finish(sample).size == (64, 64)
    assert other.step == 1
    assert "step" not in vars(pipe.scheduler), "the scheduler is as it was"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda prompt, guidance_scale=3.5, true_cfg_scale=1.0: ..., {"guidance_scale": 5.0}),
        (
            lambda prompt, negative_prompt=None, guidance_scale=None, true_cfg_scale=4.0: ...,
            {"true_cfg_scale": 5.0, "negative_prompt": " "},
        ),
        (lambda prompt, distilled_guidance_scale=3.25: ..., {"distilled_guidance_scale": 5.0}),
        (lambda prompt, image=None: ..., {"image": "start"}),
        (lambda prompt, image, strength: ..., {"image": "start", "strength": 0.5}),
    ],
)
def test_the_signature_decides_what_a_pipeline_is_given(
    call: Callable[..., Any], expected: dict[str, Any]
) -> None:
    accepted = inspect.signature(call).parameters
    start: Any = "start"
    given = call_arguments(accepted, recipe(strength=0.5), 7, start)
    assert given == {"prompt": "a red house"} | expected
