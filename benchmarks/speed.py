"""What would paint faster on this device, and at what price: each way against the plain pipeline.

    python -m benchmarks.speed [--model sdxl] [--device cuda] [--rounds 5] [--way plain --way quick]

All ways paint the same prompt with the same seed, in turns; each round has another seed. A ratio
is that of the plain pipeline's time in the same round, a difference that from its picture. `sketch`
has its own weights; the others have random ones: `wide` is the UNet of `sketch` three times as
wide, the rest are of full size. “exact”, “close” and “quick” are the modes of `[engine] speed`,
painted by the engine.
"""

from engine.diffusion import Device  # before torch: how memory is allocated, as in the bot

# isort: split
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
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
from rich.markup import escape
from rich.table import Table
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.memory_models import prepare
from benchmarks.memory_sizes import SIZES
from benchmarks.speed_modes import close, exact, fewer_steps, quick
from benchmarks.time_limit import shown
from engine import EngineSettings
from engine.diffusion.oom import out_of_memory
from engine.models.catalogue import SKETCH

PROMPT = "a red house"
SEED = 1

SHORT = 2
"""Steps of the picture before each that is timed."""

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
        more: Mapping[str, Any] = {}
    else:
        size = SIZES[model]
        source, half = str(prepare(model, folder / model)), size.half
        values = size.side, size.steps, size.guidance
        more = size.call
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
        **more,
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


@dataclass
class Measured:
    """What was measured until now, by way.

    Attributes:
        seconds: Of each round.
        apart: How far each round's picture is from the plain one.
        broken: Why a way doesn't work.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    apart: dict[str, list[Difference]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def row(self, name: str) -> tuple[str, ...]:
        """The cells of a way: its name, its seconds, its speed and its difference."""
        if name in self.broken:
            return name, "", escape(self.broken[name]), "", ""
        pairs = list(zip(self.seconds.get(PLAIN, ()), self.seconds.get(name, ()), strict=False))
        found = self.apart.get(name, [])[: len(pairs)]
        if not pairs:
            return name, "", "no time was left", "", ""
        ratios = [plain / own for plain, own in pairs]
        return (
            name,
            f"{median(own for _, own in pairs):.3f}",
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{mean(one.mean for one in found):.2f}",
            f"{max(one.largest for one in found):.0f}",
        )


def measure(
    pipe: Any, call: Mapping[str, Any], rounds: int, ways: Collection[str], measured: Measured
) -> None:
    """Paint by each way in turns, a first round to warm up included.

    Args:
        pipe: The pipeline.
        call: What it is called with.
        rounds: Pictures by each way.
        ways: Those to measure, the plain one included.
        measured: Takes in each picture at once.
    """
    short = {**call, "num_inference_steps": min(SHORT, call["num_inference_steps"])}
    for number in range(rounds + 1):
        seed = SEED + number
        plain: Any = None
        for name, way in WAYS.items():
            if name in measured.broken or name not in ways:
                continue
            try:
                with way(pipe) as other:
                    painter = other or pipe
                    if number:
                        paint(painter, short, seed)  # compiles again, fills caches
                    taken, levels = paint(painter, call, seed)
            except Exception as error:  # whatever a backend says to what it can't do
                if name == PLAIN:
                    raise
                measured.broken[name] = shorten(str(error) or type(error).__name__, 60)
                continue
            plain = levels if name == PLAIN else plain
            if number:  # the first round warms up
                off = np.abs(levels - plain)
                difference = Difference(float(off.mean()), float(off.max()))
                measured.apart.setdefault(name, []).append(difference)
                measured.seconds.setdefault(name, []).append(taken)


def main(
    model: Annotated[
        Literal["sketch", "wide", "sd15", "sdxl", "flux", "z-image"], typer.Option()
    ] = ("sketch"),
    device: str = "auto",
    rounds: Annotated[int, typer.Option(min=1, max=50)] = 5,
    steps: Annotated[int | None, typer.Option(min=1, help="In place of the model's own.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where random weights are kept.")] = None,
    way: Annotated[list[str] | None, typer.Option(help="One to measure; all if omitted.")] = None,
    seconds: Annotated[float | None, typer.Option(help="That everything may take.")] = None,
) -> None:
    """Print how much faster each way paints, and how far its pictures differ."""
    place = folder or Path(tempfile.gettempdir()) / "atelier-benchmarks"
    if unknown := set(way or ()) - set(WAYS):
        raise typer.BadParameter(f"--way is one of {', '.join(WAYS)}, not {', '.join(unknown)}.")
    ways = {PLAIN, *way} if way else set(WAYS)
    chosen = Device.choose(EngineSettings(device=device))
    chosen.claim()  # what is free at most, where a driver would spill into RAM
    measured = Measured()
    title = f"{model} on {chosen.name}"

    def show() -> None:
        table = Table(title=title)
        for heading in ("way", "seconds", "times as fast", "levels apart: mean", "most"):
            table.add_column(heading, justify="left" if heading == "way" else "right")
        for name in WAYS:
            if name in ways:
                table.add_row(*measured.row(name))
        Console().print(table)

    with shown(show, seconds):
        try:
            pipe, call = load(model, place, chosen.name)
            if steps is not None:
                call["num_inference_steps"] = steps
            title += f", {call['width']}², {call['num_inference_steps']} steps"
            measure(pipe, call, rounds, ways, measured)
        except Exception as error:
            if not out_of_memory(error):
                raise
            print("The plain pipeline, whole on the device, ran out of memory.", flush=True)


if __name__ == "__main__":
    typer.run(main)
