"""The layouts of weights that people share in single files: read right, or told what they are."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.checkpoint_weights import read_checkpoint
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.schedulers import make_scheduler, with_options
from engine.errors import InvalidRequest, ModelUnavailable
from engine.hub import HubClient, LocalFiles, origin
from engine.models.inspection import inspect
from tests import tiny
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint
from tests.tiny import original_layout
from tests.tiny.sdxl import sdxl

Weights = dict[str, torch.Tensor]
UNET = "model.diffusion_model."
CLIP = "cond_stage_model.transformer."
BIG_CLIP = "conditioner.embedders.1.model."
FLOAT8 = torch.float8_e4m3fn


class Kind:
    """A tiny pipeline and the tensors of its checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = original_layout.checkpoint(folder, folder.parent / "whole.safetensors")
        self.tensors = load_file(file)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    new = tmp_path_factory.mktemp
    return {
        "sd1": Kind(tiny.stable_diffusion(new("sd1") / "pipeline")),
        "sdxl": Kind(sdxl(new("sdxl") / "pipeline", second_width=40)),
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def saved(tensors: Weights, metadata: dict[str, str] | None = None) -> Path:
        file = tmp_path / "fox.safetensors"
        save_file({name: each.contiguous() for name, each in tensors.items()}, file, metadata)
        return file

    return saved


def load(file: Path, base: Kind, **changes: Any) -> LoadedModel:
    """The checkpoint in `file`, with the configs of `base`."""
    settings = engine_settings()
    setup = ExecutorSetup(
        settings=settings,
        find_files=lambda name, origin: LocalFiles(checkpoint=file, settings=base.folder),
    )
    loader = ModelLoader(setup, Device.choose(settings))
    return loader.load(model(file, **changes), lambda nbytes: None)


def load_denoiser(file: Path, base: Kind) -> LoadedModel:
    """The pipeline of `base` with the denoiser in `file`."""
    settings = engine_settings()
    setup = ExecutorSetup(
        settings=settings,
        find_files=lambda name, origin: LocalFiles(folder=base.folder, denoiser=file),
    )
    loader = ModelLoader(setup, Device.choose(settings))
    return loader.load(model(base.folder, denoiser=str(file)), lambda nbytes: None)


def parts(pipe: Any) -> dict[str, Weights]:
    return {
        name: part.state_dict()
        for name, part in pipe.components.items()
        if isinstance(part, nn.Module)
    }


def assert_same_weights(pipe: Any, folder: Path) -> None:
    expected = parts(diffusers.DiffusionPipeline.from_pretrained(folder))
    for name, state in parts(pipe).items():
        assert state.keys() == expected[name].keys()
        assert all(torch.equal(state[key], expected[name][key]) for key in state), name


def without_text_model(tensors: Weights) -> Weights:
    return {name.replace("text_model.", ""): each for name, each in tensors.items()}


def with_extras(tensors: Weights) -> Weights:
    averaged = {
        "model_ema." + name.removeprefix("model.").replace(".", ""): each * 0
        for name, each in tensors.items()
        if name.startswith(UNET)
    }
    return {
        **tensors,
        **averaged,
        CLIP + "text_model.embeddings.position_ids": torch.arange(32.0).half()[None],
        CLIP + "logit_scale": torch.tensor(4.6),
        "first_stage_model.loss.logvar": torch.zeros(1),
        "alphas_cumprod": torch.zeros(1000),
        "denoiser.sigmas": torch.zeros(1000),
        "model_ema.decay": torch.tensor(0.9),
    }


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("sd1", without_text_model),
        ("sdxl", without_text_model),
        ("sd1", lambda tensors: {n.removeprefix("model."): each for n, each in tensors.items()}),
        ("sd1", with_extras),
        ("sdxl", lambda tensors: tensors | {BIG_CLIP + "logit_scale": torch.ones(())}),
    ],
)
def test_other_spellings_and_harmless_extras_change_nothing(
    kind: str,
    change: Callable[[Weights], Weights],
    kinds: dict[str, Kind],
    save: Callable[..., Path],
) -> None:
    file = save(change(kinds[kind].tensors))
    assert inspect(origin(str(file)), HubClient()).unused == ()
    assert_same_weights(load(file, kinds[kind]).pipe, kinds[kind].folder)


@pytest.mark.parametrize("scale", [".scale_weight", ".weight_scale"])
def test_scaled_float8_is_multiplied_in_every_component(
    scale: str, kinds: dict[str, Kind], save: Callable[..., Path]
) -> None:
    """ComfyUI's format: a number, or one for each row; scales of activations beside them."""
    base = kinds["sdxl"]
    stored: Weights = {"scaled_fp8": torch.zeros(2, dtype=FLOAT8)}
    meant: Weights = {}
    for place, (name, each) in enumerate(base.tensors.items()):
        stored[name] = meant[name] = each
        if name.endswith(".weight") and each.ndim == 2:
            layer = name.removesuffix(".weight")
            by = each.abs().amax(1, keepdim=True) / 448 if place % 2 else each.abs().max() / 448
            stored[name] = (each / by).to(FLOAT8)
            stored[layer + scale] = by
            stored[layer + ".scale_input"] = torch.ones(())
            meant[name] = stored[name].float() * by
    file = save(stored)
    scaled = load(file, base).pipe
    plain = load(save(meant), base).pipe
    expected = parts(plain)
    for name, state in parts(scaled).items():
        assert all(torch.equal(state[key], expected[name][key]) for key in state), name
    weight = UNET + "time_embed.0.weight"
    assert torch.allclose(meant[weight], base.tensors[weight], rtol=0.07, atol=1e-3)


@pytest.mark.parametrize(
    "scales",
    [
        {"a.scale_weight": torch.ones(3)},
        {"a.weight_scale": torch.ones(2, 2)},
        {"b.weight_scale": torch.ones(())},
    ],
)
def test_a_scale_that_fits_nothing_is_told(scales: Weights, save: Callable[..., Path]) -> None:
    file = save({"a.weight": torch.ones(4, 4).to(FLOAT8), **scales})
    with pytest.raises(ModelUnavailable, match=rf"has a scale {next(iter(scales))}"):
        read_checkpoint(file, torch.float32)


@pytest.mark.parametrize(
    ("markers", "metadata", "prediction", "zero_snr"),
    [
        (("v_pred", "ztsnr"), {}, "v_prediction", True),
        (("v_pred",), {"modelspec.prediction_type": "epsilon"}, "v_prediction", False),
        ((), {"modelspec.prediction_type": "v"}, "v_prediction", False),
        ((), {"modelspec.predict_key": "v"}, "v_prediction", False),
        (
            (),
            {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"},
            "v_prediction",
            True,
        ),
        (("ztsnr",), {}, "epsilon", False),
        ((), {}, "epsilon", False),
    ],
)
def test_what_a_file_says_of_its_prediction_goes_to_the_scheduler(
    markers: tuple[str, ...],
    metadata: dict[str, str],
    prediction: str,
    zero_snr: bool,
    kinds: dict[str, Kind],
    save: Callable[..., Path],
) -> None:
    tensors = kinds["sdxl"].tensors | {name: torch.tensor([]) for name in markers}
    loaded = load(save(tensors, metadata or None), kinds["sdxl"])
    config = loaded.pipe.scheduler.config
    assert config.prediction_type == prediction
    assert bool(config.rescale_betas_zero_snr) is zero_snr
    assert config.timestep_spacing == ("trailing" if zero_snr else "leading")


@pytest.mark.parametrize("scheduler", ["default", "euler", "dpmpp_2m", "ddim"])
def test_a_v_prediction_checkpoint_paints_what_diffusers_paints_for_one(
    scheduler: str, kinds: dict[str, Kind], save: Callable[..., Path]
) -> None:
    base = kinds["sdxl"]
    tensors = base.tensors | {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    loaded = load(save(tensors), base, scheduler=scheduler)
    asked = recipe(scheduler=scheduler, num_inference_steps=3)
    [painted] = paint(loaded.family, asked)
    pipe: Any = diffusers.StableDiffusionXLPipeline.from_pretrained(base.folder)
    kind = {"ddim": "DDIMScheduler", "dpmpp_2m": "DPMSolverMultistepScheduler"}
    pipe.scheduler = getattr(diffusers, kind.get(scheduler, "EulerDiscreteScheduler")).from_config(
        pipe.scheduler.config,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )
    pipe.set_progress_bar_config(disable=True)
    expected = pipe(
        prompt=asked.prompt,
        width=64,
        height=64,
        num_inference_steps=3,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator().manual_seed(asked.seed),
    ).images[0]
    assert difference(painted, np.asarray(expected).astype(np.int16)) <= ONE_LEVEL


def test_schedulers_that_cannot_end_in_pure_noise_are_not_used_for_it() -> None:
    pndm = diffusers.PNDMScheduler(beta_schedule="scaled_linear")
    zero = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    own = with_options(pndm, zero)
    assert type(own) is diffusers.DDIMScheduler
    assert own.alphas_cumprod[-1] == 0
    with pytest.raises(InvalidRequest, match="“heun” doesn't work with this model"):
        make_scheduler(own, "heun")
    assert type(with_options(pndm, {"steps_offset": 1})) is diffusers.PNDMScheduler


@pytest.mark.parametrize("prefix", ["", "diffusion_model.", UNET])
def test_a_unet_alone_is_a_denoiser_under_any_prefix(
    prefix: str, kinds: dict[str, Kind], save: Callable[..., Path]
) -> None:
    base = kinds["sdxl"]
    tensors = {
        prefix + name.removeprefix(UNET): each
        for name, each in base.tensors.items()
        if name.startswith(UNET)
    }
    loaded = load_denoiser(save(tensors | {"v_pred": torch.tensor([])}), base)
    assert_same_weights(loaded.pipe, base.folder)
    assert loaded.pipe.scheduler.config.prediction_type == "v_prediction"


def test_an_inpainting_unet_alone_inpaints(
    kinds: dict[str, Kind], save: Callable[..., Path], tmp_path: Path
) -> None:
    """Its pipeline has another one, which takes four channels."""
    folder = tiny.stable_diffusion(tmp_path / "inpainting" / "pipeline", inpainting=True)
    inpainting = Kind(folder)
    unet = {n: each for n, each in inpainting.tensors.items() if n.startswith(UNET)}
    alone = load_denoiser(save(unet), kinds["sd1"])
    whole = load(save(inpainting.tensors), inpainting)
    [painted], [expected] = paint(alone.family, recipe()), paint(whole.family, recipe())
    assert alone.pipe.unet.config.in_channels == 9
    assert difference(painted, expected) == 0


def test_weights_that_a_component_does_not_use_are_named(
    kinds: dict[str, Kind], save: Callable[..., Path]
) -> None:
    """Painting without them would paint something else."""
    base = kinds["sd1"]
    extras = {
        UNET + "input_blocks.1.0.adapter.weight": torch.ones(4, 4),
        CLIP + "text_model.encoder.layers.9.mlp.fc1.weight": torch.ones(4, 4),
        "first_stage_model.decoder.extra.weight": torch.ones(4, 4),
    }
    for name, each in extras.items():
        with pytest.raises(ModelUnavailable, match=r"doesn't fit: it has weights") as caught:
            load(save(base.tensors | {name: each}), base)
        assert f"{name.split('.')[0]} (1)" in str(caught.value)


def test_what_belongs_to_no_component_is_told_before_it_is_added(
    kinds: dict[str, Kind], save: Callable[..., Path]
) -> None:
    file = save(kinds["sd1"].tensors | {"safety_checker.a": torch.ones(1), "b.c": torch.ones(1)})
    assert inspect(origin(str(file)), HubClient()).unused == ("b.c", "safety_checker.a")


@pytest.mark.parametrize("lost", [CLIP + "text_model.embeddings", "first_stage_model.decoder.conv"])
def test_lost_weights_are_a_sentence(
    lost: str, kinds: dict[str, Kind], save: Callable[..., Path]
) -> None:
    tensors = {n: each for n, each in kinds["sd1"].tensors.items() if not n.startswith(lost)}
    with pytest.raises(ModelUnavailable, match=r"couldn't be loaded.+fox\.safetensors") as caught:
        load(save(tensors), kinds["sd1"])
    assert "\n" not in str(caught.value)


def test_any_exception_of_the_libraries_is_a_sentence(
    kinds: dict[str, Kind], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise AttributeError("'NoneType' object has no attribute 'shape'\nand more")

    monkeypatch.setattr("engine.diffusion.loader.build_pipeline", fail)
    file = shutil.copy(kinds["sd1"].folder.parent / "whole.safetensors", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"couldn't be loaded: AttributeError: .+'shape'\.$"):
        load(Path(file), kinds["sd1"])
