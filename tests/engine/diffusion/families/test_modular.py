"""A model that only Diffusers' modular pipelines can run paints what they paint, as others do."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import PIL.Image
import pytest
import torch
from diffusers import ModularPipeline

from engine.diffusion.families import whole_previews
from engine.diffusion.families.base import InitImage
from engine.diffusion.families.whole_pipeline import WholePipeline
from engine.diffusion.loader import LoadedModel
from engine.diffusion.picture_processors import picture_processor
from engine.diffusion.previews import LatentMap
from engine.errors import InvalidRequest, ModelUnavailable
from engine.jobs.recipe import AdapterUse, Recipe
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.families.test_whole import load, recipe
from tests.tiny import flux2_klein
from tests.tiny.adapters import lora
from tests.tiny.modular import BUILDERS, rewrite

FLUX3 = [pytest.param(name, marks=pytest.mark.slow) for name in BUILDERS if "Flux3" in name]

START = PIL.Image.effect_noise((96, 80), 80).convert("RGB")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model, by its class; each is saved once."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = BUILDERS[name](tmp_path_factory.mktemp("modular") / "model")
        return made[name]

    return folder


@pytest.fixture(scope="module")
def anima(folder: Callable[[str], Path]) -> LoadedModel:
    return load(folder("AnimaModularPipeline"))


def paint(loaded: LoadedModel, asked: Recipe, init_image: InitImage | None = None) -> Image:
    with torch.inference_mode():
        samples = loaded.family.begin(asked, init_image)
        loaded.family.step(samples, lambda: None)
    return np.asarray(loaded.family.finish(samples[0])).astype(np.int16)


def reference(folder: Path) -> Any:
    """Diffusers' own pipeline for the model in `folder`, loaded as its documentation says."""
    kind = getattr(diffusers, ModularPipeline.load_config(folder)["_class_name"])
    blocks = getattr(diffusers, kind.default_blocks_name)()
    blocks.sub_blocks.pop("prompt_upsampler", None)
    pipe = kind(blocks=blocks, pretrained_model_name_or_path=str(folder))
    pipe.load_components([name for name in pipe.pretrained_component_names if name != "tokenizer"])
    if (folder / "tokenizer" / "processor_config.json").exists():
        tokenizer = picture_processor(folder / "tokenizer", "Qwen3VLProcessor")
        pipe.register_components(tokenizer=tokenizer)
    else:
        pipe.load_components("tokenizer")
    return pipe


def plain(pipe: Any, asked: Recipe, **arguments: Any) -> Image:
    """What it paints when it is called as its documentation says."""
    if "guider" in pipe.components:
        pipe.update_components(guider=pipe.guider.new(guidance_scale=asked.guidance_scale))
    images = pipe(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        output="images",
        **arguments,
    )
    return np.asarray(images[0]).astype(np.int16)


@pytest.mark.parametrize("name", ["AnimaModularPipeline", *FLUX3])
def test_it_paints_what_diffusers_modular_pipeline_paints(
    name: str, folder: Callable[[str], Path]
) -> None:
    loaded = load(folder(name))
    assert type(loaded.family) is WholePipeline
    assert type(loaded.pipe).__name__ == name
    asked = recipe(num_inference_steps=2, negative_prompt="a blue fish")
    takes = {} if "Distilled" in name else {"negative_prompt": "a blue fish"}
    painted = paint(loaded, asked)
    assert np.array_equal(painted, plain(reference(folder(name)), asked, **takes))
    assert painted.std() > 10, "a black or grey picture would show nothing"
    others: list[dict[str, Any]] = [{"prompt": "zzz"}, {"seed": 8}]
    for other in (*others, *([{"guidance_scale": 2.0}] if takes else [])):
        changed = recipe(**{"num_inference_steps": 2, "negative_prompt": "a blue fish"} | other)
        assert not np.array_equal(painted, paint(loaded, changed)), other


@pytest.mark.parametrize("name", ["AnimaModularPipeline", *FLUX3])
def test_a_start_image_is_taken_with_a_strength_or_as_a_reference(
    name: str, folder: Callable[[str], Path]
) -> None:
    loaded = load(folder(name))
    asked = recipe(num_inference_steps=4, strength=0.5, width=96, height=64)
    takes: dict[str, Any] = {"image": START.resize((96, 64), PIL.Image.Resampling.LANCZOS)}
    if name == "AnimaModularPipeline":
        takes["strength"] = 0.5
    with torch.inference_mode():
        [sample] = loaded.family.begin(asked, InitImage(START))
        seen: list[int] = []
        loaded.family.step([sample], lambda: seen.append(sample.step))
    painted = np.asarray(loaded.family.finish(sample)).astype(np.int16)
    assert np.array_equal(painted, plain(reference(folder(name)), asked, **takes))
    assert painted.shape == (64, 96, 3)
    assert len(seen) == sample.total_steps == (2 if "strength" in takes else 4)
    with pytest.raises(InvalidRequest, match="tiny doesn't support masks"):
        loaded.family.begin(asked, InitImage(START, START.convert("L")))


def test_between_the_steps_there_is_a_preview_of_the_picture_to_come(
    folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one is what the latents at the end look like; the tiny VAE has fewer channels."""
    loaded = load(folder("AnimaModularPipeline"))
    rows = LatentMap(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(3))
    assert whole_previews.MAPS["AutoencoderKLQwenImage"].channels == 16
    monkeypatch.setattr(whole_previews, "MAPS", {"AutoencoderKLQwenImage": rows})
    ends: list[torch.Tensor] = []
    decode = loaded.pipe.vae.decode

    def see(latents: torch.Tensor, **options: Any) -> Any:
        ends.append(latents)
        return decode(latents, **options)

    monkeypatch.setattr(loaded.pipe.vae, "decode", see)
    seen: list[PIL.Image.Image | None] = []
    with torch.inference_mode():
        [sample] = loaded.family.begin(recipe(num_inference_steps=3, width=96, height=64))
        loaded.family.step([sample], lambda: seen.append(loaded.family.preview(sample)))
    assert [preview and preview.size for preview in seen] == [(12, 8)] * 3
    config = loaded.pipe.vae.config
    mean, std = (torch.tensor(config[f"latents_{name}"])[:, None, None] for name in ("mean", "std"))
    last = rows.image((ends[0][0, :, 0] - mean) / std)
    assert abs(np.asarray(seen[-1]).astype(int) - np.asarray(last)).max() <= 1
    assert not np.array_equal(np.asarray(seen[0]), np.asarray(seen[-1]))
    assert loaded.family.preview(sample) is None, "it is done"


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 32, 4, 6), (6, 4)),
        ((1, 128, 2, 3), (6, 4)),
        ((1, 6, 128), (6, 4)),
        ((1, 7, 128), None),
        ((1, 16, 4, 6), None),
    ],
)
def test_a_preview_is_made_of_latents_that_are_laid_out_as_those_of_flux(
    shape: tuple[int, ...], size: tuple[int, int] | None
) -> None:
    pipe = SimpleNamespace(vae=flux2_klein.vae())
    preview = whole_previews.preview_of(pipe, torch.zeros(shape), width=48, height=32)
    assert (preview and preview.size) == size


def test_a_sample_cancelled_in_the_middle_ends_there_without_an_error_in_the_log(
    anima: LoadedModel, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    [sample] = anima.family.begin(recipe(num_inference_steps=10))
    seen: list[int] = []

    def change_my_mind() -> None:
        seen.append(sample.step)
        sample.cancelled = len(seen) == 3

    with torch.inference_mode(), caplog.at_level(logging.INFO):
        anima.family.step([sample], change_my_mind)
    assert seen == [1, 2, 3]
    assert sample.step == 3
    assert caplog.text == "".join(capfd.readouterr()) == "", "neither an error nor a progress bar"
    assert "step" not in vars(anima.pipe.scheduler), "the scheduler is as it was"
    first, second = (paint(anima, recipe(num_inference_steps=2)) for _ in range(2))
    assert np.array_equal(first, second)


def test_components_that_are_brought_to_the_device_one_by_one_paint_the_same(
    anima: LoadedModel,
) -> None:
    asked = recipe(num_inference_steps=2)
    resident = paint(anima, asked)
    assert anima.pipe.model_cpu_offload_seq == "text_encoder->text_conditioner->transformer->vae"
    anima.pipe.enable_model_cpu_offload(device="cpu")
    try:
        assert difference(paint(anima, asked), resident) <= ONE_LEVEL
        assert all(
            hasattr(anima.pipe.components[name], "_hf_hook") for name in ("vae", "transformer")
        )
    finally:
        anima.pipe.remove_all_hooks()
    assert difference(paint(anima, asked), resident) <= ONE_LEVEL


def test_a_lora_is_worn_by_whoever_asks_for_it(
    folder: Callable[[str], Path], tmp_path: Path
) -> None:
    """`anima` isn't used, since it would have the LoRA's layers afterwards."""
    pipe = reference(folder("AnimaModularPipeline"))
    file = lora(tmp_path / "ink.safetensors", pipe, "transformer", seed=1)
    loaded = load(folder("AnimaModularPipeline"), lambda name: file)
    bare = recipe(num_inference_steps=2)
    worn = recipe(num_inference_steps=2, adapters=(AdapterUse("ink", 0.5),))
    before, during, after = (paint(loaded, asked) for asked in (bare, worn, bare))
    pipe.load_lora_weights(file, adapter_name="ink")
    pipe.set_adapters(["ink"], [0.5])
    assert np.array_equal(during, plain(pipe, worn))
    assert np.array_equal(before, after)
    assert not np.array_equal(before, during)


def test_without_a_component_that_painting_takes_it_is_refused(
    folder: Callable[[str], Path], tmp_path: Path
) -> None:
    copy = shutil.copytree(folder("AnimaModularPipeline"), tmp_path / "model")
    rewrite(copy, lambda index: index.pop("t5_tokenizer"))
    with pytest.raises(ModelUnavailable, match=r"\(AnimaModularPipeline\) lacks t5_tokenizer"):
        load(copy)
