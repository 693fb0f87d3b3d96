"""Where the studio's time goes in a burst of jobs: the device's thread by phase, CPU by thread.

What a phase takes is without the phases inside it, so that the shares add up to the whole burst.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any

import psutil
from rich.table import Table

from engine.devices.blame import BlameFile
from engine.devices.device_thread import DeviceThread
from engine.diffusion.executor import Executor
from engine.diffusion.families.latent_sample import DenoiserBatch
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.families.unet import UNetFamily
from engine.memory.profiles import ProfileStore

PHASES: Mapping[str, Sequence[tuple[type, str]]] = MappingProxyType(
    {
        "denoiser": [(UNetFamily, "denoise")],
        "inputs of the denoiser": [(Stepped, "_inputs"), (DenoiserBatch, "__init__")],
        "scheduler": [(Stepped, "_advance")],
        "prompts and new samples": [(Stepped, "begin")],
        "decoding": [(StableDiffusion, "finish")],
        "reports to the event loop": [(DeviceThread, "report")],
        "measurements, blame": [(ProfileStore, "learn"), (BlameFile, "record")],
        "waiting for jobs": [(Executor, "_take_commands")],
    }
)
"""Methods that the device's thread calls with `sketch`, by the phase that they belong to."""

REST = "the rest of the executor"

THREADS: Mapping[str, str] = MappingProxyType(
    {
        "MainThread": "event loop",
        "device": "device",
        "asyncio": "PNG files",
        "Thread": "SQLite",
    }
)
"""What threads do, by how their names begin."""

OTHER = "OpenMP's and others"


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of a burst went.

    Attributes:
        seconds: The whole burst.
        phases: Seconds of the device's thread by phase.
        cpu: Seconds of CPU by thread.
    """

    seconds: float
    phases: Mapping[str, float]
    cpu: Mapping[str, float]

    def table(self) -> Table:
        """All of it, with shares."""
        table = Table(title=f"The studio's {self.seconds:.1f} seconds")
        for heading in ("what", "seconds", "share"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        for title, values, whole in (
            ("The device's thread", self.phases, self.seconds),
            ("CPU by thread", self.cpu, sum(self.cpu.values())),
        ):
            table.add_section()
            table.add_row(f"[bold]{title}[/]", f"{whole:.2f}", "")
            for name, seconds in sorted(values.items(), key=lambda item: -item[1]):
                table.add_row(f"  {name}", f"{seconds:.2f}", f"{seconds / whole:.1%}")
        return table


class Profiler:
    """Counts the time of the methods in `PHASES`, and of the process's threads.

    Attributes:
        profile: What was counted last.
    """

    def __init__(self) -> None:
        self.profile = Profile(0.0, {}, {})
        self._phases: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Count until it is left; enter it before anything is made that is to be counted."""
        originals = []
        for phase, methods in PHASES.items():
            for kind, name in methods:
                originals.append((kind, name, kind.__dict__[name]))
                setattr(kind, name, self._counted(phase, kind.__dict__[name]))
        try:
            yield
        finally:
            for kind, name, original in originals:
                setattr(kind, name, original)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Make `profile` of the time until it is left."""
        self._phases.clear()
        begun, before = time.perf_counter(), _cpu()
        yield
        seconds = time.perf_counter() - begun
        phases = dict.fromkeys(PHASES, 0.0) | dict(self._phases)
        phases[REST] = max(0.0, seconds - sum(phases.values()))
        cpu = {name: taken - before.get(name, 0.0) for name, taken in _cpu().items()}
        self.profile = Profile(seconds, phases, cpu)

    def _counted(self, phase: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def counted(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                return method(*args, **kwargs)
            self._inside.append(0.0)
            begun = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                taken = time.perf_counter() - begun
                self._phases[phase] += taken - self._inside.pop()
                if self._inside:
                    self._inside[-1] += taken

        return counted


def _cpu() -> dict[str, float]:
    """Seconds of CPU that each kind of thread of this process has taken."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    seconds: defaultdict[str, float] = defaultdict(float)
    for thread in psutil.Process().threads():
        name = names.get(thread.id, "")
        kind = next((kind for start, kind in THREADS.items() if name.startswith(start)), OTHER)
        seconds[kind] += thread.user_time + thread.system_time
    return dict(seconds)
