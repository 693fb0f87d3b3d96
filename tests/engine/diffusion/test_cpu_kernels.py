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


@pytest.mark.parametrize(
    ("processor", "capability", "faster"),
    [
        ("vendor_id : AuthenticAMD", "AVX512", True),
        ("AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", "AVX512", True),
        ("vendor_id : AuthenticAMD", "AVX2", False),
        ("vendor_id : GenuineIntel", "AVX512", False),
        ("", "DEFAULT", False),
    ],
)
def test_the_processor_tells_what_is_faster(
    processor: str, capability: str, faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_kernels, "_processor", lambda: processor)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    monkeypatch.setattr("torch.backends.mkl.is_available", lambda: True)
    assert onednn_is_faster.__wrapped__() is faster


def test_something_is_known_of_this_processor() -> None:
    assert cpu_kernels._processor()
