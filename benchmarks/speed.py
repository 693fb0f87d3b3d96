"""What would paint faster on this device, and at what price: each way against the plain pipeline.

    python -m benchmarks.speed [--model sdxl] [--device cuda] [--rounds 5] [--way plain --way quick]

All ways paint the same prompt with the same seed, in turns; each round has another seed. A ratio
is that of the plain pipeline's time in the same round, a difference that from its picture. `sketch`
has its own weights; the others have random ones: `wide` is the UNet of `sketch` three times as
wide, the rest are of full size. “exact”, “close” and “quick” are the modes of `[engine] speed`,
painted by the engine.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import mean, median
from textwrap import shorten
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

import diffusers
import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.memory_models import prepare
from benchmarks.memory_sizes import SIZES
from benchmarks.speed_modes import close, exact, fewer_steps, quick
from engine import EngineSettings
from engine.diffusion import Device
from engine.models.catalogue import SKETCH

PROMPT = "a red house"
SEED = 1

WIDER = 3
"""How much wider the UNet of `wide` is than that of `sketch`: 35 million parameters."""

Way = Callable[[Any], AbstractContextManager[Any]]
"""Has a pipeline paint in some way while it is entered, or gives what is called in its place."""


class Difference(NamedTuple):
    """How far a picture is from the plain one, in 8-bit levels."""

    mean: float
    largest: float


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
        "fewer steps": fewer_steps,
        "exact": exact,
        "close": close,
        "quick": quick,
    }
)
"""By name."""


def load(model: str, folder: Path, device: torch.device) -> tuple[Any, dict[str, Any]]:
    """A pipeline on the device, and what it is called with."""
    if model in ("sketch", "wide"):
        source, half = SKETCH.source, "float16"
        values = SKETCH.width, SKETCH.num_inference_steps, SKETCH.guidance_scale
    else:
        size = SIZES[model]
        source, half = str(prepare(model, folder / model)), size.half
        values = size.side, size.steps, size.guidance
    dtype = torch.float32 if device.type == "cpu" else getattr(torch, half)
    pipe = diffusers.DiffusionPipeline.from_pretrained(source, dtype=dtype).to(device)
    pipe.set_progress_bar_config(disable=True)
    if model == "wide":
        pipe.unet = _wider(pipe.unet).to(device, dtype)
    side, steps, guidance = values
    return pipe, {
        "prompt": PROMPT,
        "width": side,
        "height": side,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "output_type": "np",
    }


def _wider(unet: Any) -> Any:
    """A random UNet with `WIDER` times the channels."""
    torch.manual_seed(SEED)
    channels = [WIDER * number for number in unet.config.block_out_channels]
    return diffusers.UNet2DConditionModel.from_config(unet.config, block_out_channels=channels)


def paint(pipe: Any, call: Mapping[str, Any], seed: int = SEED) -> tuple[float, Any]:
    """Seconds for one picture, and its levels."""
    begun = time.perf_counter()
    image = pipe(**call, generator=torch.Generator("cpu").manual_seed(seed)).images[0]
    return time.perf_counter() - begun, np.round(image * 255)


def measure(
    pipe: Any, call: Mapping[str, Any], rounds: int, ways: Collection[str] = ()
) -> tuple[dict[str, list[float]], dict[str, Difference], dict[str, str]]:
    """Seconds by way and round, differences from the plain pictures, and why a way doesn't work.

    Args:
        pipe: The pipeline.
        call: What it is called with.
        rounds: Pictures by each way.
        ways: Those to measure, the plain one included; all if empty.
    """
    seconds: dict[str, list[float]] = {}
    apart: dict[str, list[Difference]] = {}
    broken: dict[str, str] = {}
    for number in range(rounds + 1):
        seed = SEED + number
        _, plain = paint(pipe, call, seed)
        for name, way in WAYS.items():
            if name in broken or (ways and name not in ways):
                continue
            try:
                with way(pipe) as other:
                    painter = other or pipe
                    paint(painter, call, seed)  # compiles, tunes, fills caches
                    taken, levels = paint(painter, call, seed)
            except Exception as error:  # whatever a backend says to what it can't do
                broken[name] = shorten(str(error) or type(error).__name__, 60)
                continue
            if number:  # the first round warms up
                off = np.abs(levels - plain)
                seconds.setdefault(name, []).append(taken)
                apart.setdefault(name, []).append(Difference(float(off.mean()), float(off.max())))
    difference = {
        name: Difference(mean(one.mean for one in found), max(one.largest for one in found))
        for name, found in apart.items()
    }
    return seconds, difference, broken


def main(
    model: Annotated[
        Literal["sketch", "wide", "sd15", "sdxl", "flux", "z-image"], typer.Option()
    ] = ("sketch"),
    device: str = "auto",
    rounds: Annotated[int, typer.Option(min=1, max=50)] = 5,
    steps: Annotated[int | None, typer.Option(min=1, help="In place of the model's own.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where random weights are kept.")] = None,
    way: Annotated[list[str] | None, typer.Option(help="One to measure; all if omitted.")] = None,
) -> None:
    """Print how much faster each way paints, and how far its pictures differ."""
    place = folder or Path(tempfile.gettempdir()) / "atelier-benchmarks"
    chosen = Device.choose(EngineSettings(device=device)).name
    pipe, call = load(model, place, chosen)
    if steps is not None:
        call["num_inference_steps"] = steps
    ways = {PLAIN, *way} if way else set(WAYS)
    seconds, difference, broken = measure(pipe, call, rounds, ways)
    table = Table(
        title=f"{model} on {chosen}, {call['width']}², {call['num_inference_steps']} steps"
    )
    for heading in ("way", "seconds", "times as fast", "levels apart: mean", "most"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name in (name for name in WAYS if name in ways):
        if name in broken:
            table.add_row(name, "", broken[name], "", "")
            continue
        ratios = [plain / own for plain, own in zip(seconds[PLAIN], seconds[name], strict=True)]
        table.add_row(
            name,
            f"{median(seconds[name]):.3f}",
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{difference[name].mean:.2f}",
            f"{difference[name].largest:.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
