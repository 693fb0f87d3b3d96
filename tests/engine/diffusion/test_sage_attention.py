"""Which models attend by SageAttention, and that no other model notices."""

from pathlib import Path

import diffusers
import pytest
import torch
from diffusers.models import attention_dispatch as dispatch
from diffusers.models.attention_dispatch import AttentionBackendName

from engine.diffusion import sage_attention
from engine.diffusion.families import family_of
from engine.diffusion.sage_attention import use_sage_attention, why_not_sage
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import difference, paint, parts
from tests.tiny.flux import flux

CARD, CPU = torch.device("cuda"), torch.device("cpu")


def test_it_says_why_it_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    half = torch.bfloat16
    assert why_not_sage("qwen-image", half, CARD) == "its kind of model isn't supported"
    assert why_not_sage(None, half, CARD) == "its kind of model isn't supported"
    assert why_not_sage("flux", half, CPU) == "it needs an NVIDIA card"
    assert why_not_sage("flux", torch.float32, CARD) == "it needs half precision"
    monkeypatch.setattr(sage_attention, "is_sageattention_available", lambda: False)
    assert why_not_sage("flux", half, CARD) == "sageattention 2.1.1 or later isn't installed"
    monkeypatch.setattr(sage_attention, "is_sageattention_available", lambda: True)
    monkeypatch.setattr(sage_attention, "is_sageattention_version", lambda *asked: True)
    assert why_not_sage("flux", half, CARD) is None


def test_one_model_uses_it_and_the_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is that of torch here; what counts is who comes to it, and without a mask."""
    came: list[torch.Size] = []

    def sage(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **how: object) -> object:
        assert how["attn_mask"] is None
        came.append(query.shape)
        q, k, v = (each.transpose(1, 2) for each in (query, key, value))
        return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)

    registry = dispatch._AttentionBackendRegistry
    monkeypatch.setitem(registry._backends, AttentionBackendName.SAGE, sage)
    monkeypatch.setitem(
        registry._supported_arg_names,
        AttentionBackendName.SAGE,
        {"query", "key", "value", "attn_mask"},
    )
    folder = flux(tmp_path)
    faster, other = (diffusers.FluxPipeline.from_pretrained(folder) for _ in range(2))
    active = registry.get_active_backend()[0]
    use_sage_attention(faster.transformer)
    assert registry.get_active_backend()[0] == active
    asked = recipe(num_inference_steps=2, scheduler="default")
    [exact] = paint(family_of(other, parts(other), None), asked)
    assert not came
    [close] = paint(family_of(faster, parts(faster), None), asked)
    assert came
    assert difference(exact, close) <= 1
