"""What a training step takes is counted without weights as it is with them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import diffusers
import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode

from engine.diffusion.families import family_of
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.training.counting import GRAIN, LiveBytes, OnCard
from engine.diffusion.training.footprint import (
    batch_of,
    count_step,
    footprint_of,
    meta_pipeline,
)
from engine.diffusion.training.lora_group import LoraGroup
from engine.training.planning import PlanQuestion, planned
from engine.training.request import Kind, TrainingRequest
from tests.card.device_guard import register_cuda_guard
from tests.engine.builders import engine_settings, model
from tests.tiny import flux2_klein, qwen_image, sdxl, stable_diffusion, z_image
from tests.tiny.flux import flux

REQUEST = TrainingRequest(
    name="zork",
    model="tiny",
    kind=Kind.SUBJECT,
    trigger="zork",
    steps=2,
    rank=4,
    learning_rate=1e-4,
    side=64,
)
TOKENS = 32

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "sd": stable_diffusion,
    "sdxl": sdxl.sdxl,
    "flux": flux,
    "flux2-klein": flux2_klein.flux2_klein,
    "z-image": z_image.z_image,
    "qwen-image": qwen_image.qwen_image,
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_counted_without_numbers_is_what_a_step_with_them_takes(
    family: str, checkpointing: bool, tmp_path: Path
) -> None:
    request = replace(REQUEST, checkpointing=checkpointing)
    folder = FAMILIES[family](tmp_path)
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder)
    taken = count_step(pipe, request, cpu=True, tokens=TOKENS)
    counted = footprint_of(folder, family, request, cpu=True, tokens=TOKENS)
    assert counted.lora == taken.lora
    assert counted.working_bytes == pytest.approx(taken.working_bytes, abs=2 * GRAIN)


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_text_encoders_that_are_trained_are_counted(family: str, tmp_path: Path) -> None:
    request = replace(REQUEST, text_encoder=True)
    folder = FAMILIES[family](tmp_path)
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder)
    taken = count_step(pipe, request, cpu=True, tokens=TOKENS)
    counted = footprint_of(folder, family, request, cpu=True, tokens=TOKENS)
    plain = footprint_of(folder, family, REQUEST, cpu=True, tokens=TOKENS)
    assert counted.lora == taken.lora > plain.lora
    assert counted.working_bytes == pytest.approx(taken.working_bytes, rel=0.01)
    assert counted.working_bytes > plain.working_bytes


class OnlyAttention(OnCard):
    """Leaves all else to torch's own autocast."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") == "scaled_dot_product_attention":
            return super().__torch_function__(func, types, args, kwargs)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("family", FAMILIES)
def test_as_much_is_kept_as_by_the_autocast_of_cuda(family: str, tmp_path: Path) -> None:
    """After the forward pass: torch can't go backwards on a card that isn't there."""
    folder = FAMILIES[family](tmp_path)
    counted = kept(folder, family, torch.device("meta"))
    register_cuda_guard()
    taken = kept(folder, family, torch.device("cuda", 0))
    assert counted == pytest.approx(taken, rel=0.005)


def kept(folder: Path, name: str, device: torch.device) -> int:
    """Bytes besides weights after the forward pass of two pictures in bfloat16."""
    on_card = device.type == "cuda"
    pipe = meta_pipeline(folder, name)
    denoiser = getattr(pipe, "unet", None) or pipe.transformer
    denoiser.to(torch.bfloat16).train()
    LoraGroup(pipe, name, REQUEST)
    components = OffloadedComponents(pipe, torch.device("meta"))
    components.device = device
    family = cast(Stepped, family_of(pipe, components, None))
    mode = (OnlyAttention if on_card else OnCard)(torch.bfloat16, cpu=False)
    with FakeTensorMode(allow_non_fake_inputs=True) if on_card else nullcontext():
        claim(denoiser, device)
        weights = [*denoiser.parameters(), *denoiser.buffers()]
        live = LiveBytes(iter(weights))
        with live, mode:
            batch = batch_of(family, device, replace(REQUEST, batch=2), tokens=TOKENS)
            with autocast_of_cuda() if on_card else mode.forward():
                prediction = family.denoise(batch)
            assert prediction.requires_grad
            return live.now


def claim(module: nn.Module, device: torch.device) -> None:
    """Have weights without values claim to be on a device."""
    for part in module.modules():
        for name, weight in part._parameters.items():
            if weight is not None:
                there = torch.empty_like(weight, device=device)
                part._parameters[name] = nn.Parameter(there, weight.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty_like(buffer, device=device)


@contextmanager
def autocast_of_cuda() -> Iterator[None]:
    """`torch.autocast` for bfloat16, which refuses to without a card."""
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    torch.autocast_increment_nesting()
    try:
        yield
    finally:
        torch.autocast_decrement_nesting()
        torch.clear_autocast_cache()
        torch.set_autocast_enabled("cuda", False)


async def test_a_plan_is_made_in_a_process_of_its_own(tmp_path: Path) -> None:
    question = PlanQuestion(
        settings=engine_settings(),
        model=replace(model(stable_diffusion(tmp_path)), family="sd"),
        request=REQUEST,
        captions=("a zork",),
    )
    plan = await planned(question)
    assert plan.fits
    assert plan.request == REQUEST
    assert plan.needs is not None
    assert 0 < plan.needs.step.lora < plan.needs.step.total <= plan.peak_bytes
