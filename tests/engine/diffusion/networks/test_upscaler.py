"""Upscalers: real kinds of networks with tiny weights, in tiles and by any factor."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.diffusion.networks.upscaler import Upscaler
from engine.diffusion.networks.work import Upscaling
from engine.errors import ModelUnavailable
from tests.engine.diffusion.harness import noisy
from tests.tiny.upscaler import needs_spandrel, upscaler

pytestmark = needs_spandrel


def enlarged(network: Upscaler, image: Image.Image, factor: int, side: int) -> Image.Image:
    """The picture, enlarged in tiles of that side."""
    work = Upscaling(network, image, factor, side)
    while work.done < work.total:
        work.step()
    return work.picture().image()


def levels(image: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(image.convert("RGB"), np.int16)


@pytest.mark.parametrize("kind", ["Compact", "ESRGAN"])
def test_tiles_leave_no_seam(tmp_path: Path, kind: str) -> None:
    network = Upscaler.load(upscaler(tmp_path / "net.safetensors", kind=kind))
    image = noisy(200, 137)
    whole, tiled = (enlarged(network, image, 2, side) for side in (512, 96))
    assert whole.size == tiled.size == (400, 274)
    assert np.ptp(levels(whole)) > 20  # there is something to see
    assert np.abs(levels(whole) - levels(tiled)).max() <= 1


@pytest.mark.parametrize(("scale", "factor"), [(2, 2), (4, 2), (2, 4), (3, 4)])
def test_any_factor_comes_of_any_scale(tmp_path: Path, scale: int, factor: int) -> None:
    network = Upscaler.load(upscaler(tmp_path / "net.safetensors", scale=scale))
    assert network.scale == scale
    image = noisy(24, 16)
    larger = enlarged(network, image, factor, 64)
    assert larger.size == (24 * factor, 16 * factor)
    back = larger.resize(image.size, Image.Resampling.BOX)
    assert np.abs(levels(back) - levels(image)).mean() < 40  # it is the same picture


def test_what_is_transparent_stays_so(tmp_path: Path) -> None:
    network = Upscaler.load(upscaler(tmp_path / "net.safetensors"))
    image = noisy(40, 40)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    larger = enlarged(network, image, 2, 64)
    assert larger.mode == "RGBA"
    assert np.ptp(np.asarray(larger.getchannel("A"))) > 200


def test_weights_alone_are_read_of_a_pickle(tmp_path: Path) -> None:
    assert Upscaler.load(upscaler(tmp_path / "net.pth", scale=4)).scale == 4

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    torch.save({"weights": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(ModelUnavailable, match=r"bomb\.pth holds more than weights"):
        Upscaler.load(tmp_path / "bomb.pth")
    assert not (tmp_path / "exploded").exists()


def test_what_is_no_upscaler_is_said(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"12345678")
    for name in ("other", "cut", "gone"):
        with pytest.raises(ModelUnavailable, match=rf"The upscaler {name}\.safetensors couldn't"):
            Upscaler.load(tmp_path / f"{name}.safetensors")
    with pytest.raises(ModelUnavailable, match="doesn't enlarge pictures"):
        Upscaler.load(upscaler(tmp_path / "one.safetensors", scale=1))


def test_the_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = upscaler(tmp_path / "net.safetensors")
    monkeypatch.setitem(__import__("sys").modules, "spandrel", None)
    with pytest.raises(ModelUnavailable, match="pip install spandrel"):
        Upscaler.load(file)
