"""Qwen-Image-Edit paints what Diffusers paints beside pictures, and shares batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import diffusers
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.pipelines.qwenimage import (
    pipeline_qwenimage_edit_inpaint,
    pipeline_qwenimage_edit_plus,
)
from PIL import Image as Pillow
from safetensors.torch import save_file

from engine.diffusion.families import InitImage, family_of, qwen_image_edit
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.qwen_image_edit import QwenImageEdit
from engine.diffusion.latent_rgb import QWEN_IMAGE
from engine.diffusion.picture_processors import picture_processor
from engine.errors import InvalidRequest
from engine.jobs.recipe import AdapterUse, Recipe
from engine.models.adapters import AdapterCatalogue
from engine.models.schedulers import allowed_schedulers
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo, stencil
from tests.tiny.qwen_image_edit import qwen_image_edit as tiny_edit

UNGUIDED, GUIDED = 1.0, 6.5

AT_MOST = {UNGUIDED: 0, GUIDED: ONE_LEVEL}
"""Levels: the pipeline calls the transformer once for each prompt, we once for both."""

ONE, TWO = photo(104, 64), photo(64, 96, seed=4)


@pytest.fixture(scope="session")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The pipeline by precision."""
    folder = tiny_edit(tmp_path_factory.mktemp("qwen-image-edit"))
    return {"single": loaded(folder, torch.float32), "half": loaded(folder, torch.bfloat16)}


def loaded(folder: Path, dtype: torch.dtype) -> Any:
    processor = picture_processor(folder / "processor", "Qwen2VLProcessor")
    return diffusers.QwenImageEditPlusPipeline.from_pretrained(
        folder, processor=processor, dtype=dtype
    )


@pytest.fixture(scope="session")
def families(pipes: dict[str, Any]) -> dict[str, QwenImageEdit]:
    return {kind: QwenImageEdit(pipe, parts(pipe), None) for kind, pipe in pipes.items()}


@pytest.fixture(scope="session")
def pipe(pipes: dict[str, Any]) -> Any:
    return pipes["single"]


@pytest.fixture(scope="session")
def family(families: dict[str, QwenImageEdit]) -> QwenImageEdit:
    return families["single"]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are shown small, in place of a megapixel."""
    for module in (qwen_image_edit, pipeline_qwenimage_edit_plus):
        monkeypatch.setattr(module, "CONDITION_IMAGE_SIZE", 64 * 64)
        monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 96 * 64)


@contextmanager
def told_of_pictures(pipe: Any) -> Iterator[None]:
    """Do for a pipeline what it doesn't yet do itself: huggingface/diffusers#14194."""
    text_encoder = pipe.text_encoder
    forward = text_encoder.forward

    def with_types(input_ids: torch.Tensor, **kwargs: Any) -> Any:
        types = (input_ids == text_encoder.config.image_token_id).int()
        return forward(input_ids=input_ids, mm_token_type_ids=types, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_encoder, "forward", with_types)
        yield


def plain(pipe: Any, asked: Recipe, *pictures: Pillow.Image) -> Image:
    """What the pipeline paints by its own call, with a blank as the model card has."""
    with told_of_pictures(pipe):
        return levels(
            run_pipeline(
                diffusers.QwenImageEditPlusPipeline,
                pipe,
                asked,
                image=list(pictures),
                negative_prompt=asked.negative_prompt or " ",
                true_cfg_scale=asked.guidance_scale,
            )
        )


@pytest.mark.parametrize(
    ("guidance_scale", "negative_prompt", "shown"),
    [
        (UNGUIDED, "", (ONE,)),
        (GUIDED, "", (ONE, TWO)),
        (GUIDED, "a blue fish", (ONE,)),
    ],
)
def test_a_picture_painted_alone_is_the_one_that_the_pipeline_paints(
    pipe: Any,
    family: QwenImageEdit,
    guidance_scale: float,
    negative_prompt: str,
    shown: tuple[Pillow.Image, ...],
) -> None:
    asked = recipe(
        negative_prompt=negative_prompt,
        guidance_scale=guidance_scale,
        width=96,
        references=("one", "two")[: len(shown)],
    )
    [alone] = paint(family, asked, references=shown)
    assert alone.shape == (64, 96, 3)
    assert difference(alone, plain(pipe, asked, *shown)) <= AT_MOST[guidance_scale]


def test_so_it_is_in_half_precision(
    pipes: dict[str, Any], families: dict[str, QwenImageEdit]
) -> None:
    asked = recipe(guidance_scale=UNGUIDED, references=("one",))
    [alone] = paint(families["half"], asked, references=[ONE])
    assert difference(alone, plain(pipes["half"], asked, ONE)) == 0


def test_the_text_encoder_is_told_which_tokens_are_pictures(
    pipe: Any, family: QwenImageEdit
) -> None:
    with torch.inference_mode():
        square = photo()
        told = family.encode_prompt_beside([square], "a red house", negative=False)["embeds"]
        untold, _ = pipe.encode_prompt("a red house", [square], pipe.device)
    assert told.shape == untold.shape
    assert not torch.allclose(told, untold, atol=0.01)


def test_pictures_are_shown_at_a_megapixel_and_to_the_text_encoder_smaller(
    family: QwenImageEdit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    plus = pipeline_qwenimage_edit_plus
    assert qwen_image_edit._size(photo(104, 64), plus.VAE_IMAGE_SIZE) == (800, 1312)
    assert qwen_image_edit._size(photo(104, 64), plus.CONDITION_IMAGE_SIZE) == (288, 480)


@pytest.mark.parametrize("strength", [0.75, 1.0])
def test_a_mask_is_filled_beside_the_picture_as_the_pipeline_of_the_older_model_does(
    pipe: Any, family: QwenImageEdit, strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is none for this one. That one draws the latents that it shows from the VAE's
    distribution, and shows the text encoder the picture in another size and by other words."""
    asked = recipe(
        strength=strength,
        num_inference_steps=4,
        guidance_scale=UNGUIDED,
        image="square",
        mask="mask",
        references=("square",),
    )
    init_image = InitImage(photo(64, 64), stencil(64, 64))
    with torch.inference_mode():
        embeds = family.encode_prompt_beside([init_image.image], asked.prompt, negative=False)
    older = pipeline_qwenimage_edit_inpaint
    monkeypatch.setattr(older, "calculate_dimensions", lambda area, ratio: (64, 64, None))
    monkeypatch.setattr(qwen_image_edit, "VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, _: self.mode())
    caller: Any = diffusers.QwenImageEditInpaintPipeline(**pipe.components)
    caller.set_progress_bar_config(disable=True)
    expected = caller(
        image=init_image.image,
        mask_image=init_image.mask,
        prompt_embeds=embeds["embeds"],
        prompt_embeds_mask=torch.ones(embeds["embeds"].shape[:2], dtype=torch.long),
        true_cfg_scale=1.0,
        width=64,
        height=64,
        strength=strength,
        num_inference_steps=4,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
    ).images[0]
    [alone] = paint(family, asked, init_image=init_image, references=[init_image.image])
    assert difference(alone, levels(expected)) <= ONE_LEVEL


def test_the_tiny_pictures_tell_settings_apart(pipe: Any) -> None:
    """Else the comparisons of this file would show nothing."""
    changes: list[dict[str, Any]] = [
        {"prompt": "moon"},
        {"negative_prompt": "a blue fish"},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 4},
        {"seed": 8},
    ]
    one = plain(pipe, recipe(), ONE)
    for change in changes:
        assert difference(one, plain(pipe, recipe(**change), ONE)) > 4 * ONE_LEVEL, change
    for pictures in ((photo(104, 64, seed=9),), (ONE, TWO)):
        assert difference(one, plain(pipe, recipe(), *pictures)) > 4 * ONE_LEVEL


def test_samples_of_mixed_prompts_pictures_guidance_and_times_do_not_touch_each_other(
    pipe: Any, family: QwenImageEdit
) -> None:
    """Pictures of one shape, but each sample is shown its own."""
    shown = [ONE, photo(104, 64, seed=5), ONE, photo(104, 64, seed=6)]
    recipes = [
        recipe(
            seed=100 + i,
            num_inference_steps=2 + i,
            guidance_scale=(1.0, 4.0, 9.0)[i % 3],
            prompt="a red house under a yellow moon, and a blue fish" if i % 2 else "moon",
            references=(f"picture {i}",),
        )
        for i in range(4)
    ]
    with torch.inference_mode():
        samples = [
            cast(LatentSample, family.begin(asked, None, [picture])[0])
            for asked, picture in zip(recipes, shown, strict=True)
        ]
        assert len({family.batch_key(sample) for sample in samples}) == 1
        while left := [sample for sample in samples if not sample.done]:
            family.step(left, lambda: None)
        together = [levels(family.finish(sample)) for sample in samples]
    for asked, picture, painted in zip(recipes, shown, together, strict=True):
        assert difference(painted, plain(pipe, asked, picture)) <= ONE_LEVEL


def test_only_samples_that_are_shown_pictures_of_the_same_sizes_share_a_batch(
    family: QwenImageEdit,
) -> None:
    shown = ([ONE], [photo(104, 64, seed=9)], [TWO], [ONE, TWO])
    with torch.inference_mode():
        keys = [family.batch_key(family.begin(recipe(), None, each)[0]) for each in shown]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_picture_that_is_too_narrow_is_refused(family: QwenImageEdit) -> None:
    with pytest.raises(InvalidRequest, match=r"A picture of 640 × 72 pixels is too narrow\."):
        family.begin(recipe(), None, [photo(640, 72)])


def test_every_scheduler_that_fits_paints_beside_a_picture(family: QwenImageEdit) -> None:
    for scheduler in allowed_schedulers("qwen-image-edit"):
        asked = recipe(scheduler=scheduler, references=("one",))
        [picture] = paint(family, asked, references=[ONE])
        assert picture.std() > 10 * ONE_LEVEL, scheduler


def test_it_is_stepped_and_previewed_by_its_own_map(pipe: Any) -> None:
    family = family_of(pipe, parts(pipe), None)
    assert isinstance(family, QwenImageEdit)
    assert family._previewer is QWEN_IMAGE


def test_a_lora_named_as_the_lightning_ones_is_worn(pipe: Any, tmp_path: Path) -> None:
    """Layers without the component's name, in kohya's halves, with an alpha."""
    generator = torch.Generator().manual_seed(1)
    tensors: dict[str, torch.Tensor] = {}
    for name, layer in pipe.transformer.named_modules():
        if name.endswith(("attn.to_q", "attn.add_k_proj", "img_mlp.net.2")):
            rows, columns = layer.weight.shape
            tensors |= {
                f"{name}.lora_down.weight": torch.randn(4, columns, generator=generator) * 0.3,
                f"{name}.lora_up.weight": torch.randn(rows, 4, generator=generator) * 0.3,
                f"{name}.alpha": torch.tensor(2.0),
            }
    save_file(tensors, tmp_path / "lightning.safetensors")
    own = loaded(Path(pipe.name_or_path), torch.float32)
    family = QwenImageEdit(own, parts(own), None, adapters=AdapterCatalogue(folder=tmp_path))
    asked = recipe(guidance_scale=UNGUIDED, references=("one",))
    worn = replace(asked, adapters=(AdapterUse("lightning", 1.0),))
    pictures = paint(family, asked, worn, references=[ONE])
    other = loaded(Path(pipe.name_or_path), torch.float32)
    other.load_lora_weights(str(tmp_path / "lightning.safetensors"))
    assert difference(pictures[0], plain(pipe, asked, ONE)) <= ONE_LEVEL
    assert difference(pictures[1], plain(other, asked, ONE)) <= ONE_LEVEL
    assert difference(*pictures) > 4 * ONE_LEVEL
