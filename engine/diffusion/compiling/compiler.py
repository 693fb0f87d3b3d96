"""Compiles the repeated blocks of one denoiser once that pays, and uses them where they fit."""

import contextlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.diffusion.compiling.blocks import Call, repeated_blocks, watched, without_weights
from engine.diffusion.compiling.orders import Order, compiled
from engine.diffusion.trials import MIN_GAIN, TOLERANCE, best_seconds, differs
from engine.diffusion.tuning import Tuning

log = logging.getLogger(__name__)

COST = 90.0
"""Seconds that compiling is expected to take before it was measured."""

GAIN = 1.15
"""How many times as fast compiled blocks are expected to be; Diffusers' documentation tells of 1.2
to 1.5 times for transformers (“Accelerate inference”, regional compilation)."""

MAX_SHAPES = 4
"""Sizes of batches and pictures that one model is compiled for."""

RECOMPILE_LIMIT = 64
"""Versions of a block that torch keeps: a UNet has up to five for each shape."""

ROOM = 1_500_000_000
"""Bytes of the card that the process takes that compiles: CUDA's own, a block and its numbers."""

PATIENCE = 300.0
"""Seconds after which compiled blocks are loaded though the device is never idle."""

LONGEST = 1800.0
"""Seconds after which a process that still compiles is given up."""

REPEATS = 10
TOLERANCES = {torch.float32: 1e-3}
"""Differences from the plain block, as a share of the largest number; else `TOLERANCE`."""

Seen = list[tuple[nn.Module, Call]]


def can_compile(device: torch.device) -> bool:
    """Whether Inductor makes kernels for the device here: it needs Triton on a card."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None


class BlockCompiler:
    """The compiled blocks of one denoiser."""

    def __init__(
        self,
        denoiser: nn.Module,
        device: torch.device,
        tuning: Tuning,
        name: str,
        folder: Path,
        room: Callable[[], int],
        *,
        backend: str = "inductor",
    ) -> None:
        """Nothing is compiled yet.

        Args:
            denoiser: Its weights stay on the device while it is compiled or called compiled.
            device: The device.
            tuning: Remembers what compiling takes and gains.
            name: Of the model, for the log.
            folder: Where Inductor keeps what it compiled.
            room: Bytes of the device that the memory plan leaves.
            backend: Of torch.compile.
        """
        self._blocks = repeated_blocks(denoiser)
        self._device, self._tuning, self._name = device, tuning, name
        self._folder, self._room, self._backend = folder, room, backend
        self._compiled: dict[type[nn.Module], Any] = {}
        self._seconds: defaultdict[Hashable, float] = defaultdict(float)
        self._tried: set[Hashable] = set()
        self._wanted: Hashable = None
        self._shape: Hashable = None
        self._process: subprocess.Popen[bytes] | None = None
        self._order: Path | None = None
        self._seen: Seen = []
        self._begun = 0.0
        gain = tuning.number("compiled_gain")
        self._off = not self._blocks or (gain is not None and gain < MIN_GAIN)

    @property
    def in_use(self) -> bool:
        """Whether there are compiled blocks."""
        return bool(self._compiled)

    def count(self, shape: Hashable, seconds: float) -> None:
        """The denoiser has taken `seconds` for batches of a shape.

        Once compiled blocks would have saved what compiling takes, they will probably save as much
        again, so from then on they are wanted.
        """
        self._seconds[shape] += seconds
        if self._off or shape in self._tried or len(self._tried) >= MAX_SHAPES:
            return
        gain = self._tuning.number("compiled_gain") or GAIN
        cost = self._tuning.number("compile_seconds") or COST
        saved = self._seconds[shape] * (1 - 1 / gain)
        if saved >= cost and self._process is None and self._room() >= ROOM:
            self._wanted = shape

    @contextmanager
    def calling(self, shape: Hashable, *, plain: bool) -> Iterator[None]:
        """The denoiser is called with a batch of a shape.

        Args:
            shape: Of the batch.
            plain: Whether its weights are all there and nothing was added to its layers. Otherwise
                compiled blocks aren't used.
        """
        if not plain:
            stance = torch.compiler.set_stance("force_eager") if self._compiled else None
            with stance or contextlib.nullcontext():
                yield
            return
        if shape == self._wanted and shape is not None:
            with watched([block for blocks in self._blocks.values() for block in blocks]) as seen:
                yield
            self._wanted = None
            self._start(shape, seen)
            return
        # What isn't compiled yet runs as it is: to compile it here would hold the job up.
        stance = torch.compiler.set_stance("eager_on_recompile") if self._compiled else None
        with stance or contextlib.nullcontext():
            yield

    def _start(self, shape: Hashable, seen: Seen) -> None:
        """Have another process compile what was seen."""
        self._shape = shape
        self._tried.add(shape)
        self._take_off()
        try:
            order = Order(
                self._device,
                self._backend,
                [(without_weights(block), call) for block, call in seen],
                torch.get_num_threads(),
                torch.get_float32_matmul_precision(),
            )
            handle, name = tempfile.mkstemp(suffix=".order")
            os.close(handle)
            self._order = Path(name)
            torch.save(order, self._order)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engine.diffusion.compiling", name],
                stdin=subprocess.PIPE,  # its end tells the process that this one is gone
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | self._environment(),
                cwd=Path(__file__).parents[3],
            )
        except Exception:
            log.exception("%s can't be compiled", self._name)
            self._off = True
            self._clean_up()
        else:
            self._seen, self._begun = seen, time.monotonic()
            log.info("%s: compiling its blocks for batches of %s", self._name, shape)
        self._put_on()

    def _environment(self) -> dict[str, str]:
        """Where Inductor keeps what it compiled."""
        return {"TORCHINDUCTOR_CACHE_DIR": str(self._folder)}

    @property
    def ready(self) -> bool:
        """Whether the process has ended, so that `load` has something to do."""
        if self._process is None:
            return False
        if self._process.poll() is None and time.monotonic() - self._begun > LONGEST:
            self._process.kill()
            self._process.wait()
        return self._process.poll() is not None

    @property
    def overdue(self) -> bool:
        """Whether it has been ready for so long that loading can't wait for an idle device."""
        return self.ready and time.monotonic() - self._begun > PATIENCE

    def load(self, *, plain: bool) -> None:
        """Load what the process compiled, compare it with the plain blocks, and use it if it pays.

        Takes seconds. Whatever fails, the plain blocks go on.
        """
        assert self._process is not None, "`ready` comes first"
        code, seen = self._process.returncode, self._seen
        took = time.monotonic() - self._begun
        self._let_go()
        self._seen = []
        self._clean_up()
        if code != 0:
            log.warning("%s couldn't be compiled (%s); it paints as before", self._name, code)
            self._off = True
            return
        if not plain:
            return
        for name, value in self._environment().items():
            os.environ[name] = value
        first = not self._compiled
        try:
            with torch._dynamo.config.patch(recompile_limit=RECOMPILE_LIMIT):
                gain = self._measure(seen)
        except Exception as error:
            log.warning("%s: what was compiled can't be used: %s", self._name, error)
            self._stop_using()
            return
        self._tuning.remember(compile_seconds=round(took, 1), compiled_gain=round(gain, 3))
        log.info("%s: compiled blocks are %.2f times as fast", self._name, gain)
        if first and gain < MIN_GAIN:
            self._stop_using()
        else:
            self._put_on()

    def _measure(self, seen: Seen) -> float:
        """Compile in this process, from the cache; how many times as fast it is than without.

        Raises:
            ArithmeticError: It computes something else.
        """
        plain_seconds = compiled_seconds = 0.0
        for block, call in seen:
            kind = type(block)
            function = self._compiled.setdefault(kind, compiled(kind, self._backend))
            args, kwargs = call.make(self._device)
            expected, found = kind.forward(block, *args, **kwargs), function(block, *args, **kwargs)
            _require_alike(found, expected)
            plain_seconds += self._best(kind.forward, block, args, kwargs)
            compiled_seconds += self._best(function, block, args, kwargs)
        return plain_seconds / compiled_seconds

    def _best(self, function: Any, block: nn.Module, args: Any, kwargs: Any) -> float:
        return best_seconds(partial(function, block, *args, **kwargs), self._device, REPEATS)

    def _put_on(self) -> None:
        for kind, blocks in self._blocks.items():
            if kind in self._compiled:
                for block in blocks:
                    block.forward = partial(self._compiled[kind], block)

    def _take_off(self) -> None:
        for blocks in self._blocks.values():
            for block in blocks:
                block.__dict__.pop("forward", None)

    def _stop_using(self) -> None:
        self._take_off()
        self._compiled.clear()
        self._off = True

    def _let_go(self) -> None:
        """The process has ended."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def _clean_up(self) -> None:
        if self._order is not None:
            self._order.unlink(missing_ok=True)
            self._order = None

    def close(self) -> None:
        """End the process, if one compiles."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._let_go()
            self._tried.discard(self._shape)
        self._seen = []
        self._clean_up()


def _require_alike(found: Any, expected: Any) -> None:
    pairs = zip(
        *(one if isinstance(one, tuple) else (one,) for one in (found, expected)), strict=True
    )
    for one, other in pairs:
        if differs(one, other, TOLERANCES.get(other.dtype, TOLERANCE)):
            raise ArithmeticError("compiled blocks compute other numbers")
