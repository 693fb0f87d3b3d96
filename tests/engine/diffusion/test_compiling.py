"""Blocks compiled beside painting, and used where they were compiled for.

`compiled_by_inductor.py` does it with Inductor.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch._dynamo.utils import counters

from engine.diffusion.compiling import compiler as compiler_module
from engine.diffusion.compiling.compiler import BlockCompiler
from engine.diffusion.tuning import Tuning

CPU = torch.device("cpu")
SHAPE = (2, 64, 64)


@pytest.fixture(scope="module")
def unet() -> Any:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=4,
    ).eval()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch._dynamo.reset()


def process_of(compiled: BlockCompiler) -> Any:
    """The process that compiles, if one does."""
    return compiled._process


def compiler(unet: Any, folder: Path, **options: Any) -> BlockCompiler:
    tuning = Tuning(folder, "a card", "a model", "float32")
    values: dict[str, Any] = {"room": lambda: 10**10, "backend": "aot_eager"} | options
    return BlockCompiler(unet, CPU, tuning, "a model", folder / "compiled", **values)


def denoise(unet: Any, compiled: BlockCompiler, rows: int = 2, *, plain: bool = True) -> Any:
    generator = torch.Generator().manual_seed(rows)
    latents = torch.randn(rows, 4, 8, 8, generator=generator)
    prompts = torch.randn(rows, 7, 8, generator=generator)
    with compiled.calling((rows, 64, 64), plain=plain):
        return unet(latents, torch.full((rows,), 500.0), prompts).sample


@pytest.mark.slow
@pytest.mark.timeout(400)
@torch.inference_mode()
def test_blocks_are_compiled_beside_painting_once_that_pays_and_then_used(
    unet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([2.0, 1.0] * 9)
    monkeypatch.setattr(BlockCompiler, "_best", lambda *args: next(seconds))
    compiled = compiler(unet, tmp_path)
    expected, other = denoise(unet, compiled), denoise(unet, compiled, rows=3)

    compiled.count(SHAPE, 1.0)
    denoise(unet, compiled)
    assert process_of(compiled) is None, "it doesn't pay yet"
    compiled.count(SHAPE, 10_000.0)
    denoise(unet, compiled, plain=False)
    assert process_of(compiled) is None, "a LoRA has changed its layers"

    assert torch.equal(denoise(unet, compiled), expected)
    assert process_of(compiled) is not None
    while not compiled.ready:
        assert torch.equal(denoise(unet, compiled), expected), "painting goes on"
        time.sleep(0.2)
    assert not compiled.overdue
    compiled.load(plain=True)
    assert compiled.in_use

    graphs = counters["stats"]["unique_graphs"]
    calls: list[str] = []
    kind = next(iter(compiled._compiled))
    function = compiled._compiled[kind]

    def called(*args: Any, **kwargs: Any) -> Any:
        calls.append("compiled")
        return function(*args, **kwargs)

    compiled._compiled[kind] = called
    compiled._put_on()
    torch.testing.assert_close(denoise(unet, compiled), expected)
    assert calls
    assert torch.equal(denoise(unet, compiled, rows=3), other)
    assert torch.equal(denoise(unet, compiled, plain=False), expected)
    assert counters["stats"]["unique_graphs"] == graphs, "no job waits for a compiler"
    known = Tuning(tmp_path, "a card", "a model", "float32")
    assert known.number("compiled_gain") == 2.0
    compiled._take_off()


def instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have processes run `code` in place of the compiler, without its seconds of imports."""
    start = subprocess.Popen

    def popen(command: list[str], **options: Any) -> Any:
        return start([command[0], "-c", code], **options)

    monkeypatch.setattr(subprocess, "Popen", popen)


@torch.inference_mode()
def test_what_fails_or_gains_nothing_is_off_and_painting_goes_on(
    unet: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    instead(monkeypatch, "raise SystemExit(3)")
    compiled = compiler(unet, tmp_path)
    expected = denoise(unet, compiled)
    compiled.count(SHAPE, 10_000.0)
    denoise(unet, compiled)
    assert process_of(compiled) is not None
    process_of(compiled).wait(120)
    assert compiled.ready
    compiled.load(plain=True)
    assert "couldn't be compiled" in caplog.text
    compiled.count(SHAPE, 10_000.0)
    assert torch.equal(denoise(unet, compiled), expected)
    assert process_of(compiled) is None

    Tuning(tmp_path, "a card", "a model", "float32").remember(compiled_gain=1.01)
    useless = compiler(unet, tmp_path)
    useless.count(SHAPE, 10_000.0)
    denoise(unet, useless)
    assert process_of(useless) is None
    monkeypatch.setattr(compiler_module, "COST", 1.0)
    full = compiler(unet, tmp_path / "other", room=lambda: 10**6)
    full.count(SHAPE, 10_000.0)
    denoise(unet, full)
    assert full._process is None, "the card has no room for another process"


@torch.inference_mode()
def test_a_model_that_leaves_ends_the_process(
    unet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch, "import time; time.sleep(60)")
    compiled = compiler(unet, tmp_path)
    compiled.count(SHAPE, 10_000.0)
    denoise(unet, compiled)
    process = compiled._process
    assert process is not None
    compiled.close()
    assert process.poll() is not None
    assert not compiled.ready


@pytest.mark.slow
def test_the_process_ends_with_its_parent() -> None:
    orphan = "from engine.diffusion.compiling.__main__ import end_with_parent; end_with_parent(); "
    wait = "import time; time.sleep(300)"
    ended = subprocess.run(
        [sys.executable, "-c", orphan + wait], stdin=subprocess.DEVNULL, timeout=100, check=False
    )
    assert ended.returncode == 1
