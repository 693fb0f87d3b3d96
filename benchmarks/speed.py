"""What would paint faster on this device, and at what price: each way against the plain pipeline.

    python -m benchmarks.speed [--model sdxl] [--device cuda] [--rounds 5]

All ways paint the same prompt with the same seed, in turns. A ratio is that of the plain pipeline's
time in the same round. `sketch` has its own weights; the others are of full size with random ones.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from textwrap import shorten
from types import MappingProxyType
from typing import Annotated, Any, Literal

import diffusers
import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.memory_models import prepare
from benchmarks.memory_sizes import SIZES
from engine import EngineSettings
from engine.diffusion import Device
from engine.models.catalogue import SKETCH

PROMPT = "a red house"
SEED = 1

Way = Callable[[Any], AbstractContextManager[None]]
"""Has a pipeline paint in some way while it is entered."""


def _parts(pipe: Any) -> Iterator[Any]:
    """The denoiser and the VAE, if the pipeline has them."""
    found = (getattr(pipe, name, None) for name in ("unet", "transformer", "vae"))
    return (part for part in found if part is not None)


@contextmanager
def channels_last(pipe: Any) -> Iterator[None]:
    """The weights of convolutions with their channels last, as tensor cores like them."""
    for part in _parts(pipe):
        part.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        for part in _parts(pipe):
            part.to(memory_format=torch.contiguous_format)


@contextmanager
def compiled(pipe: Any) -> Iterator[None]:
    """The repeated blocks of the denoiser compiled, each kind once."""
    denoiser = next(_parts(pipe))
    denoiser.compile_repeated_blocks()
    try:
        yield
    finally:
        for module in denoiser.modules():
            module._compiled_call_impl = None


@contextmanager
def attention(backend: SDPBackend) -> Iterator[None]:
    """Attention by one of torch's kernels alone."""
    with sdpa_kernel(backend):
        yield


@contextmanager
def tf32() -> Iterator[None]:
    """Multiplications of float32 with the precision of TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


PLAIN = "plain"
WAYS: Mapping[str, Way] = MappingProxyType(
    {
        PLAIN: lambda pipe: nullcontext(),
        "channels_last": channels_last,
        "compiled blocks": compiled,
        "TF32": lambda pipe: tf32(),
        "flash attention": lambda pipe: attention(SDPBackend.FLASH_ATTENTION),
        "efficient attention": lambda pipe: attention(SDPBackend.EFFICIENT_ATTENTION),
        "cuDNN attention": lambda pipe: attention(SDPBackend.CUDNN_ATTENTION),
        "plain attention": lambda pipe: attention(SDPBackend.MATH),
    }
)
"""By name."""


def load(model: str, folder: Path, device: torch.device) -> tuple[Any, dict[str, Any]]:
    """A pipeline on the device, and what it is called with."""
    if model == "sketch":
        source, half = SKETCH.source, "float16"
        values = SKETCH.width, SKETCH.num_inference_steps, SKETCH.guidance_scale
    else:
        size = SIZES[model]
        source, half = str(prepare(model, folder / model)), size.half
        values = size.side, size.steps, size.guidance
    dtype = torch.float32 if device.type == "cpu" else getattr(torch, half)
    pipe = diffusers.DiffusionPipeline.from_pretrained(source, dtype=dtype).to(device)
    pipe.set_progress_bar_config(disable=True)
    side, steps, guidance = values
    return pipe, {
        "prompt": PROMPT,
        "width": side,
        "height": side,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "output_type": "np",
    }


def paint(pipe: Any, call: Mapping[str, Any]) -> tuple[float, Any]:
    """Seconds for one picture, and its levels."""
    begun = time.perf_counter()
    image = pipe(**call, generator=torch.Generator("cpu").manual_seed(SEED)).images[0]
    return time.perf_counter() - begun, np.round(image * 255)


def measure(
    pipe: Any, call: Mapping[str, Any], rounds: int
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, str]]:
    """Seconds by way and round, the largest difference in levels, and why a way doesn't work."""
    seconds: dict[str, list[float]] = {}
    difference: dict[str, float] = {}
    broken: dict[str, str] = {}
    _, plain = paint(pipe, call)
    for number in range(rounds + 1):
        for name, way in WAYS.items():
            if name in broken:
                continue
            try:
                with way(pipe):
                    paint(pipe, call)  # compiles, tunes, fills caches
                    taken, levels = paint(pipe, call)
            except Exception as error:  # whatever a backend says to what it can't do
                broken[name] = shorten(str(error) or type(error).__name__, 60)
                continue
            if number:  # the first round warms up
                seconds.setdefault(name, []).append(taken)
                difference[name] = max(
                    difference.get(name, 0.0), float(np.abs(levels - plain).max())
                )
    return seconds, difference, broken


def main(
    model: Annotated[Literal["sketch", "sd15", "sdxl", "flux", "z-image"], typer.Option()] = (
        "sketch"
    ),
    device: str = "auto",
    rounds: Annotated[int, typer.Option(min=1, max=50)] = 5,
    steps: Annotated[int | None, typer.Option(min=1, help="In place of the model's own.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where random weights are kept.")] = None,
) -> None:
    """Print how much faster each way paints, and how far its pictures differ."""
    place = folder or Path(tempfile.gettempdir()) / "atelier-benchmarks"
    chosen = Device.choose(EngineSettings(device=device)).name
    pipe, call = load(model, place, chosen)
    if steps is not None:
        call["num_inference_steps"] = steps
    seconds, difference, broken = measure(pipe, call, rounds)
    table = Table(
        title=f"{model} on {chosen}, {call['width']}², {call['num_inference_steps']} steps"
    )
    for heading in ("way", "seconds", "times as fast", "largest difference, levels"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name in WAYS:
        if name in broken:
            table.add_row(name, "", "", broken[name])
            continue
        ratios = [plain / own for plain, own in zip(seconds[PLAIN], seconds[name], strict=True)]
        table.add_row(
            name,
            f"{median(seconds[name]):.3f}",
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{difference[name]:.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
