"""Previews by a tiny autoencoder: where it is in the cache, and outside exact mode."""

import logging
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.previews import MAX_SIDE
from engine.diffusion.tiny_decoder import TinyDecoder
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tiny_autoencoder(folder: Path, channels: int = 4) -> Path:
    """One with random weights, as small as it can be."""
    torch.manual_seed(0)
    widths, blocks = (8, 8, 8, 8), (1, 1, 1, 1)
    AutoencoderTiny(
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks,
        latent_channels=channels,
    ).save_pretrained(folder)
    return folder


def in_cache(cache: Path, repo: str, channels: int = 4) -> None:
    """Put one into the cache, as a download does."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    tiny_autoencoder(folder / "snapshots" / "abc", channels)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")


def load(source: Path, **settings: object) -> LoadedModel:
    wanted = engine_settings(**settings)
    loader = ModelLoader(ExecutorSetup(settings=wanted), Device.choose(wanted))
    return loader.load(model(source), lambda nbytes: None)


@torch.inference_mode()
def preview_of(loaded: LoadedModel) -> Image.Image:
    [sample] = loaded.family.begin(recipe())
    loaded.family.step([sample], lambda: None)
    preview = loaded.family.preview(sample)
    assert preview is not None
    return preview


@torch.inference_mode()
def test_latents_become_a_small_picture_whatever_their_size(tmp_path: Path) -> None:
    folder = tiny_autoencoder(tmp_path, channels=16)
    decoder = TinyDecoder.load(folder, torch.device("cpu"), torch.float32)
    assert decoder.channels == 16
    latents = torch.randn(16, 8, 12)
    whole = AutoencoderTiny.from_pretrained(folder).decode(latents[None]).sample[0]
    image = decoder.image(latents)
    assert image.size == (96, 64)
    red = int(((whole[0, 5, 7] / 2 + 0.5).clamp(0, 1) * 255).round())
    assert abs(image.getpixel((7, 5))[0] - red) <= 1  # type: ignore[index]
    assert decoder.image(torch.randn(16, 128, 256)).size == (MAX_SIDE, MAX_SIDE // 2)
    assert decoder.image(torch.full((16, 8, 8), float("nan"))).size == (64, 64)


def test_it_is_used_where_it_is_in_the_cache_and_speed_is_not_exact(
    tiny_model: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert preview_of(load(tiny_model, speed="close")).size == (8, 8), "the linear map"
    assert "hf download madebyollin/taesd" in caplog.text
    in_cache(cache, "madebyollin/taesd")
    assert preview_of(load(tiny_model)).size == (8, 8), "exact"
    exact, close = load(tiny_model), load(tiny_model, speed="close")
    assert preview_of(close).size == (64, 64)
    [one], [other] = paint(exact.family, recipe()), paint(close.family, recipe())
    assert difference(one, other) <= ONE_LEVEL, "only the preview differs by more than rounding"


def test_one_for_other_latents_or_a_damaged_one_is_not_used(
    tiny_model: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_cache(cache, "madebyollin/taesd", channels=16)
    assert preview_of(load(tiny_model, speed="quick")).size == (8, 8)
    [weights] = cache.rglob("*.safetensors")
    tensors = load_file(weights)
    save_file({name: tensors[name] for name in list(tensors)[1:]}, weights)
    assert preview_of(load(tiny_model, speed="quick")).size == (8, 8)
    assert "its weights are missing decoder" in caplog.text
    weights.write_bytes(b"damaged")
    assert preview_of(load(tiny_model, speed="quick")).size == (8, 8)
    assert "madebyollin/taesd can't be loaded" in caplog.text
