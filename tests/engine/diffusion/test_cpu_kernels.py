"""On a CPU, models compute in the ways that are fast there, and what they paint stays the same."""

from pathlib import Path

import pytest
import torch
from torch import nn

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device, cpu_kernels
from engine.diffusion.cpu_kernels import OneDNNLinear, onednn_is_faster, use_cpu_kernels
from engine.diffusion.loader import ModelLoader
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
    reason="this torch has no oneDNN",
)


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """On any processor."""
    monkeypatch.setattr(cpu_kernels, "onednn_is_faster", lambda: True)


@pytest.mark.parametrize("shape", [(5,), (0, 5), (3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_onednn_multiplies_what_torch_does(
    shape: tuple[int, ...], dtype: torch.dtype, bias: bool, faster: None
) -> None:
    layer = nn.Sequential(nn.Linear(5, 6, bias=bias, dtype=dtype))
    given = torch.randn(shape, dtype=dtype)
    expected = layer(given)
    use_cpu_kernels([layer])
    assert isinstance(layer[0], OneDNNLinear)
    assert torch.allclose(layer(given), expected, atol=1e-6)


def test_a_model_paints_the_same_picture(folders: dict[str, Path], faster: None) -> None:
    setup = ExecutorSetup(settings=engine_settings(device="cpu"))
    loader = ModelLoader(setup, Device.choose(setup.settings))
    loaded = loader.load(model(folders["epsilon"]), lambda nbytes: None)
    parts = list(loaded.pipe.unet.modules())
    assert any(type(part) is OneDNNLinear for part in parts)
    assert all(part.weight.stride(1) == 1 for part in parts if isinstance(part, nn.Conv2d))
    asked = recipe(guidance_scale=5.0)
    [fast] = paint(loaded.family, asked)
    for part in (*parts, *loaded.pipe.vae.modules(), *loaded.pipe.text_encoder.modules()):
        if type(part) is OneDNNLinear:
            part.__class__ = nn.Linear  # type: ignore[assignment]
        elif isinstance(part, nn.Conv2d):
            part.weight.data = part.weight.data.contiguous()
    loaded.family.forget_prompts()  # type: ignore[attr-defined]
    [plain] = paint(loaded.family, asked)
    assert difference(fast, plain) <= ONE_LEVEL


def test_layers_of_other_kinds_stay_as_they_are(faster: None) -> None:
    attention, video = nn.MultiheadAttention(4, 2), nn.Sequential(nn.Conv3d(1, 1, 3))
    flat = nn.Conv2d(2, 2, 3)
    video.append(flat)
    before = type(attention.out_proj)
    use_cpu_kernels([attention, video, "a scheduler", None])
    assert type(attention.out_proj) is before
    assert flat.weight.stride(1) == 9, "its neighbours take the other layout"


def test_without_onednn_linear_layers_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*args: object) -> None:
        raise AttributeError("no such operator")

    monkeypatch.setattr(cpu_kernels, "_multiply", missing)
    onednn_is_faster.cache_clear()
    try:
        assert not onednn_is_faster()
    finally:
        onednn_is_faster.cache_clear()
