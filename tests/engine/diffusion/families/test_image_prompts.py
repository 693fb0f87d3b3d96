"""Models that only read words are shown pictures by an IP-Adapter, each row of a batch its own."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.image_prompts import attention
from engine.diffusion.image_prompts.scales import scales_of, strength_of
from engine.errors import ModelUnavailable
from engine.hub.ip_adapter_files import IPAdapterFiles
from engine.jobs.recipe import Recipe
from engine.jobs.reference_uses import PictureKind, ReferenceUse
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import (
    ONE_LEVEL,
    difference,
    paint,
    parts,
)
from tests.engine.diffusion.families.parity import (
    Image as Levels,
)
from tests.engine.diffusion.families.unet_pipelines import photo, run_unet_pipeline
from tests.tiny.ip_adapter import image_encoder, ip_adapter
from tests.tiny.sdxl import sdxl

KINDS = ("sd", "xl")
ONE, OTHER = photo(seed=3), photo(96, 64, seed=4)
ALL, STYLE, SUBJECT = PictureKind.PICTURE, PictureKind.STYLE, PictureKind.SUBJECT

Pipes = dict[str, Any]
Files = dict[str, IPAdapterFiles]


@pytest.fixture(scope="module")
def shown_pipes(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> Pipes:
    """Pipelines of their own, which Diffusers' loader changes; one for each kind and adapter."""
    saved = {"sd": folders["epsilon"], "xl": sdxl(tmp_path_factory.mktemp("xl"), deep=True)}
    loaded = {}
    for kind, folder in saved.items():
        pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(
            folder, add_watermarker=False
        )
        pipe.set_progress_bar_config(disable=True)
        loaded[kind] = pipe
    return loaded


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, shown_pipes: Pipes) -> Files:
    """Their adapters, by kind; `sd plain` is the one for whole pictures."""
    folder = tmp_path_factory.mktemp("ip")
    encoder = image_encoder(folder / "encoder")
    adapters = {
        "sd": ip_adapter(folder / "sd.safetensors", shown_pipes["sd"].unet),
        "xl": ip_adapter(folder / "xl.safetensors", shown_pipes["xl"].unet),
        "sd plain": ip_adapter(folder / "plain.safetensors", shown_pipes["sd"].unet, plus=False),
    }
    return {kind: IPAdapterFiles(file, encoder) for kind, file in adapters.items()}


@pytest.fixture(scope="module")
def plain_pipes(shown_pipes: Pipes, files: Files) -> Pipes:
    """What Diffusers makes of them: with two slots each, one for the style."""
    made = {}
    for kind, found in files.items():
        pipe = type(shown_pipes[kind[:2]])(
            **{
                name: part
                for name, part in shown_pipes[kind[:2]].components.items()
                if name not in ("unet", "image_encoder", "feature_extractor")
            },
            unet=_copy(shown_pipes[kind[:2]].unet),
            **{"requires_safety_checker": False} if kind != "xl" else {},
            feature_extractor=None,
            image_encoder=None,
        )
        names = [found.adapter.name] * 2
        pipe.load_ip_adapter(
            str(found.adapter.parent),
            "",
            names,
            image_encoder_folder="encoder",
            local_files_only=True,
        )
        pipe.set_progress_bar_config(disable=True)
        made[kind] = pipe
    return made


def _copy(unet: Any) -> Any:
    copied = diffusers.UNet2DConditionModel.from_config(unet.config)
    copied.load_state_dict(unet.state_dict())
    return copied.eval()


@pytest.fixture(scope="module")
def shown(shown_pipes: Pipes, files: Files) -> dict[str, Family]:
    """The families, with their adapters."""
    return {
        kind: family_of(
            shown_pipes[kind[:2]],
            parts(shown_pipes[kind[:2]]),
            None,
            find_ip_adapter=lambda family, found=found: found,  # type: ignore[misc]
        )
        for kind, found in files.items()
    }


def asked(*uses: ReferenceUse, **values: Any) -> Recipe:
    """A recipe with as many references as uses."""
    names = tuple(f"{number}.png" for number in range(len(uses)))
    return recipe(**{"references": names, "reference_uses": uses} | values)


def diffusers_paints(
    pipe: Any,
    wanted: Recipe,
    style: Sequence[Image.Image],
    all_layers: Sequence[Image.Image],
    scales: Sequence[Any],
) -> Levels:
    """What the pipeline paints with pictures in its two slots."""
    pipe.set_ip_adapter_scale(list(scales))
    return run_unet_pipeline(
        pipe, "", wanted, ip_adapter_image=[list(style or [ONE]), list(all_layers or [ONE])]
    )


@pytest.mark.parametrize("guidance_scale", [1.0, 6.5])
@pytest.mark.parametrize("kind", [*KINDS, "sd plain"])
def test_a_blend_is_what_the_pipeline_paints(
    shown: dict[str, Family], plain_pipes: Pipes, kind: str, guidance_scale: float
) -> None:
    wanted = asked(
        ReferenceUse(), ReferenceUse(), guidance_scale=guidance_scale, negative_prompt="fish"
    )
    [made] = paint(shown[kind], wanted, references=[ONE, OTHER])
    same = diffusers_paints(plain_pipes[kind], wanted, (), (ONE, OTHER), (0.0, 0.6))
    assert difference(made, same) <= ONE_LEVEL
    [unseen] = paint(shown[kind], recipe(guidance_scale=guidance_scale, negative_prompt="fish"))
    assert difference(made, unseen) > 4 * ONE_LEVEL


def test_a_style_goes_to_its_layers_and_a_subject_to_all_each_with_its_weight(
    shown: dict[str, Family], plain_pipes: Pipes
) -> None:
    wanted = asked(ReferenceUse(STYLE, 50), ReferenceUse(SUBJECT, 1000), guidance_scale=4.0)
    [made] = paint(shown["xl"], wanted, references=[ONE, OTHER])
    style = {"up": {"block_0": [0.0, 0.5]}}
    same = diffusers_paints(plain_pipes["xl"], wanted, [ONE], [OTHER], (style, 1.2))
    assert difference(made, same) <= ONE_LEVEL
    swapped = diffusers_paints(plain_pipes["xl"], wanted, [OTHER], [ONE], (style, 1.2))
    assert difference(made, swapped) > 4 * ONE_LEVEL


def test_stable_diffusion_1_shows_a_style_to_all_layers(
    shown: dict[str, Family], plain_pipes: Pipes
) -> None:
    wanted = asked(ReferenceUse(STYLE), guidance_scale=4.0)
    [made] = paint(shown["sd"], wanted, references=[ONE])
    same = diffusers_paints(plain_pipes["sd"], wanted, [ONE], (), (0.6, 0.0))
    assert difference(made, same) <= ONE_LEVEL


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_pictures_and_without_share_a_batch_and_do_not_touch_each_other(
    shown: dict[str, Family], kind: str
) -> None:
    family = shown[kind]
    wanted = [
        recipe(seed=1, guidance_scale=5.0),
        asked(ReferenceUse(), seed=2, guidance_scale=5.0),
        asked(ReferenceUse(STYLE), ReferenceUse(SUBJECT, 300), seed=3, guidance_scale=1.0),
        asked(ReferenceUse(), seed=4, guidance_scale=2.0, num_inference_steps=6),
        asked(ReferenceUse(SUBJECT, 0), seed=5),
    ]
    pictures = [[ONE, OTHER][: len(each.references)] for each in wanted]
    alone = [
        paint(family, each, references=seen)[0] for each, seen in zip(wanted, pictures, strict=True)
    ]
    with torch.inference_mode():
        groups = [
            list(family.begin(each, None, seen))
            for each, seen in zip(wanted, pictures, strict=True)
        ]
        samples = [sample for group in groups for sample in group]
        assert len({family.batch_key(sample) for sample in samples}) == 1
        while running := [sample for sample in samples if not sample.done]:
            family.step(running, lambda: None)
        together = [family.finish(sample) for sample in samples]
    for made, by_itself in zip(together, alone, strict=True):
        assert difference(_levels(made), by_itself) <= ONE_LEVEL


def test_compiled_blocks_which_skip_hooks_are_left_out_only_where_pictures_are_shown(
    shown: dict[str, Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked: list[bool] = []

    def denoise(call: Any, shape: Any, **how: bool) -> torch.Tensor:
        hooked.append(how["hooked"])
        result: torch.Tensor = call()
        return result

    acceleration = SimpleNamespace(denoise=denoise, decode=lambda call: call())
    monkeypatch.setattr(shown["sd"], "_acceleration", acceleration)
    paint(shown["sd"], asked(ReferenceUse(), num_inference_steps=2), references=[ONE])
    assert set(hooked) == {True}
    hooked.clear()
    paint(shown["sd"], recipe(num_inference_steps=2))
    assert set(hooked) == {False}


@pytest.mark.parametrize("kind", KINDS)
def test_without_pictures_it_paints_exactly_as_before(
    shown: dict[str, Family], shown_pipes: Pipes, kind: str
) -> None:
    wanted = recipe(guidance_scale=5.0)
    paint(shown[kind], asked(ReferenceUse()), references=[ONE])
    [made] = paint(shown[kind], wanted)
    assert difference(made, run_unet_pipeline(shown_pipes[kind], "", wanted)) == 0
    [nothing] = paint(
        shown[kind], asked(ReferenceUse(STYLE, 0), guidance_scale=5.0), references=[ONE]
    )
    assert difference(nothing, made) == 0


def test_a_start_picture_can_be_painted_over_beside_pictures_that_are_shown(
    shown: dict[str, Family], plain_pipes: Pipes
) -> None:
    wanted = asked(ReferenceUse(), image="start", strength=0.7, num_inference_steps=4)
    start = InitImage(photo(seed=8))
    [made] = paint(shown["sd"], wanted, init_image=start, references=[ONE])
    plain_pipes["sd"].set_ip_adapter_scale([0.0, 0.6])
    same = run_unet_pipeline(
        plain_pipes["sd"], "Img2Img", wanted, image=start.image, ip_adapter_image=[[ONE], [ONE]]
    )
    assert difference(made, same) <= ONE_LEVEL


def test_what_rows_see_is_put_together_once_and_not_again_at_each_step(
    shown: dict[str, Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    together = attention._by_attention

    def counted(rows: Any) -> Any:
        made.append(len(rows))
        return together(rows)

    monkeypatch.setattr(attention, "_by_attention", counted)
    paint(shown["sd"], asked(ReferenceUse(), num_inference_steps=3), references=[ONE])
    assert made == [2]


def test_a_file_for_another_model_or_encoder_is_refused_with_a_sentence(
    shown_pipes: Pipes, files: Files, tmp_path: Path
) -> None:
    def family(adapter: Path, encoder: Path) -> Family:
        found = IPAdapterFiles(adapter, encoder)
        return family_of(
            shown_pipes["sd"], parts(shown_pipes["sd"]), None, find_ip_adapter=lambda _: found
        )

    encoder = files["sd"].image_encoder
    for file in (files["xl"].adapter, encoder / "model.safetensors"):
        with pytest.raises(ModelUnavailable, match="isn't an IP-Adapter for this model"):
            family(file, encoder).load_adapters(asked(ReferenceUse()))
    wide = image_encoder(tmp_path / "wide", width=64)
    with pytest.raises(ModelUnavailable, match="wasn't trained with the image encoder"):
        family(files["sd"].adapter, wide).load_adapters(asked(ReferenceUse()))
    with pytest.raises(ModelUnavailable, match="couldn't be loaded"):
        family(files["sd"].adapter, tmp_path).load_adapters(asked(ReferenceUse()))
    file = image_encoder(tmp_path / "part") / "model.safetensors"
    part = {name: each for name, each in load_file(file).items() if "projection" not in name}
    save_file(part, file, {"format": "pt"})
    with pytest.raises(ModelUnavailable, match="missing visual_projection"):
        family(files["sd"].adapter, file.parent).load_adapters(asked(ReferenceUse()))


def test_weights_grow_from_nothing_to_twice_the_usual() -> None:
    assert [strength_of(weight) for weight in (0, 50, 100, 1000)] == [0, 0.5, 1, 2]
    layers = ("down_blocks.1.attentions.0.x", "up_blocks.0.attentions.1.x")
    assert scales_of(ReferenceUse(STYLE), "sdxl", layers) == {layers[1]: 1.0}
    assert scales_of(ReferenceUse(STYLE), "sdxl", layers[:1]) == {layers[0]: 0.6}
    assert scales_of(ReferenceUse(ALL, 0), "sdxl", layers) == {}


def _levels(image: Image.Image) -> Levels:
    import numpy as np

    return np.asarray(image).astype(np.int16)
