"""Weights that are quantized while a model is loaded, wherever they come from.

Only where torchao is installed: of the ways that need a package it is the one that has a CPU.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.families import family_of
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.quantization import quantization_configs, quantized
from engine.hub import HubClient, download
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint
from tests.hub_server import HubServer
from tests.tiny.original_layout import checkpoint

pytest.importorskip("torchao")

ASKED = recipe(guidance_scale=5.0)


def load(source: Path, hub_url: str | None = None, **changes: Any) -> LoadedModel:
    wanted = engine_settings(**({"hub_url": hub_url} if hub_url else {}))
    device = Device.choose(wanted)
    setup = ExecutorSetup(
        settings=wanted, find_files=lambda name, origin: download(origin, HubClient(hub_url))
    )
    loader = ModelLoader(setup, device)
    return loader.load(model(source, **changes), lambda nbytes: None)


def is_quantized(loaded: LoadedModel) -> bool:
    [attention] = loaded.pipe.unet.down_blocks[0].attentions
    return type(attention.transformer_blocks[0].attn1.to_q.weight) is not torch.nn.Parameter


def test_the_denoiser_is_quantized_from_a_folder_a_file_and_a_checkpoint(
    tiny_model: Path, tmp_path: Path, server: HubServer
) -> None:
    server.add("stable-diffusion-v1-5/stable-diffusion-v1-5", tiny_model)
    plain = load(tiny_model)
    [exact] = paint(plain.family, ASKED)
    single = checkpoint(tiny_model, tmp_path / "fox.safetensors")
    unet = tmp_path / "unet.safetensors"
    weights = plain.pipe.unet.state_dict().items()
    save_file({name: weight.contiguous() for name, weight in weights}, unet)
    for loaded in (
        load(tiny_model, quantize="int8"),
        load(tiny_model, quantize="int8", denoiser=str(unet)),
        load(single, server.endpoint, quantize="int8"),
    ):
        assert is_quantized(loaded)
        [close] = paint(loaded.family, ASKED)
        assert difference(exact, close) < 4


def test_quantized_weights_that_visit_paint_the_same(tiny_model: Path) -> None:
    loaded = load(tiny_model, quantize="int8")
    [expected] = paint(loaded.family, ASKED)
    visits = ComponentPlacement(residence=Residence.OFFLOADED, weight_bytes=1, resident_bytes=1)
    quantized = ComponentPlacement(
        residence=Residence.OFFLOADED,
        weight_bytes=1,
        resident_bytes=1,
        quantization=Quantization.INT8,
    )
    places = {"text_encoder": visits, "unet": quantized, "vae": visits}
    parts = OffloadedComponents(
        loaded.pipe, torch.device("cpu"), Plan(dtype="float32", places=places)
    )
    family = family_of(loaded.pipe, parts, None)
    for _ in range(2):
        [painted] = paint(family, ASKED)
        assert difference(painted, expected) == 0
        parts.release()


def test_matrices_multiplied_in_int8_leave_the_rows_beside_each_other_alone(
    tiny_model: Path,
) -> None:
    """Activations have a scale for each token, so a row's neighbours don't change its rounding."""
    loaded = load(tiny_model)
    [exact] = paint(loaded.family, ASKED)
    place = ComponentPlacement(
        residence=Residence.RESIDENT,
        weight_bytes=1,
        resident_bytes=1,
        quantization=Quantization.INT8_MATMUL,
    )
    plan = Plan(dtype="float32", places={"unet": place})
    config = quantization_configs(plan, {"unet": "diffusers"})["unet"]
    loaded.pipe.unet = quantized(loaded.pipe.unet, config, torch.float32)
    assert is_quantized(loaded)
    family = family_of(loaded.pipe, OffloadedComponents(loaded.pipe, torch.device("cpu")), None)
    [close] = paint(family, ASKED)
    assert 0 < difference(exact, close) < 16
    [beside, _] = paint(family, ASKED, recipe(seed=3, prompt="a yellow moon"))
    assert difference(close, beside) <= ONE_LEVEL
