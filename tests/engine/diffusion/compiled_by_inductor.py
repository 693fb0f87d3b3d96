"""`sketch` compiled by Inductor in a process of its own, and taken from its cache: half a minute.

    python -m pytest -n 0 tests/engine/diffusion/compiled_by_inductor.py

It needs a C++ compiler. Continuous integration runs it by itself, after the suite.
"""

import shutil
import time
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from torch._dynamo.utils import counters

from engine.diffusion.compiling import compiler as compiler_module
from engine.diffusion.compiling.compiler import BlockCompiler
from engine.diffusion.tuning import Tuning
from engine.models.catalogue import SKETCH

SHAPE = (4, 128, 128)


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")
@torch.inference_mode()
def test_another_process_compiles_and_this_one_loads_while_steps_stay_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler_module, "MIN_GAIN", 0.0)
    cpu = torch.device("cpu")
    torch.set_float32_matmul_precision("high")  # as on a card
    unet = StableDiffusionPipeline.from_pretrained(SKETCH.source).unet
    tuning = Tuning(tmp_path, "cpu", "sketch", "float32")
    compiled = BlockCompiler(unet, cpu, tuning, "sketch", tmp_path / "compiled", lambda: 10**10)
    latents, prompts = torch.randn(8, 8, 16, 16), torch.randn(8, 77, 192)

    def step() -> torch.Tensor:
        with compiled.calling(SHAPE, plain=True):
            prediction: torch.Tensor = unet(latents, torch.full((8,), 500.0), prompts).sample
        return prediction

    expected = step()
    compiled.count(SHAPE, 100_000.0)
    step()
    steps = 0
    while not compiled.ready:
        assert torch.equal(step(), expected)
        steps += 1
        time.sleep(0.2)
    assert steps > 1
    compiled.load(plain=True)
    assert compiled.in_use
    assert counters["inductor"]["fxgraph_cache_hit"] == 1
    assert not counters["inductor"]["fxgraph_cache_miss"]
    found = step()
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
