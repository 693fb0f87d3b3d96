"""What `benchmarks.memory` measures: tasks, the rungs they take, and what comes out; no torch."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from engine.memory.device import CONTEXT_BYTES

OURS = "Atelier"

LOADING = "loading"
BEFORE_DECODING = "before decoding"
DECODING = "decoding"

PROMPTS = (
    "a lighthouse on a cliff at dusk",
    "a red fox asleep in the snow",
    "a market street after the rain",
    "an old map of an island",
)
"""Jobs take turns with them, so that none finds its prompt read already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to save memory, in both houses.

    Attributes:
        settings: Of the engine.
        plain: The nearest of Diffusers' options, names in `OPTIONS`; tried in this order until one
            does not run out of memory.
        dtype: Of the weights; empty for the half precision of the model.
    """

    settings: Mapping[str, Any]
    plain: Sequence[str]
    dtype: str = ""


OPTIONS = (
    "to",
    "to, tiled",
    "model offload",
    "model offload, tiled",
    "group offload by block",
    "group offload by block, tiled",
    "group offload by leaf",
    "group offload by leaf, tiled",
    "sequential offload",
    "sequential offload, tiled",
)
"""Diffusers' own ways, the fastest first; “tiled” is `vae.enable_tiling()` besides."""

RUNGS: Mapping[str, Rung] = MappingProxyType(
    {
        "fp32": Rung(
            settings={"offload": "resident", "vae_tiling": "off"}, plain=("to",), dtype="float32"
        ),
        "half": Rung(settings={"offload": "resident", "vae_tiling": "off"}, plain=("to",)),
        "tiled": Rung(settings={"offload": "resident", "vae_tiling": "on"}, plain=("to, tiled",)),
        "encoders": Rung(
            settings={"offload": "encoders", "vae_tiling": "off"}, plain=("model offload",)
        ),
        "model": Rung(settings={"offload": "model", "vae_tiling": "off"}, plain=("model offload",)),
        "stream": Rung(
            settings={"offload": "stream", "vae_tiling": "off"},
            plain=("group offload by block", "group offload by leaf"),
        ),
        "sequential": Rung(
            settings={"offload": "sequential", "vae_tiling": "off"}, plain=("sequential offload",)
        ),
        "best": Rung(settings={}, plain=OPTIONS),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One process: a model, a card, a way.

    Attributes:
        model: Name of the architecture.
        folder: Where its weights are, in the Diffusers layout.
        rung: Name in `RUNGS`.
        way: `OURS`, or one of `OPTIONS`.
        vram_bytes: The card that is stood in for; `None` for the whole one.
        side: Of a picture, pixels.
        steps: Denoising steps.
        guidance: 1 and below is none.
        dtype: Of the weights, or `auto`.
        count: Jobs in a row.
        device: Where.
        learned: Whether we have painted once before, in this process, and measured. Without it the
            plan is made of estimates, as at the very first start.
    """

    model: str
    folder: str
    rung: str
    way: str
    vram_bytes: int | None
    side: int
    steps: int
    guidance: float
    dtype: str
    count: int
    device: str
    learned: bool = False

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The task that `to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """The task on one line."""
        return json.dumps(asdict(self))

    @property
    def allowed_bytes(self) -> int | None:
        """What tensors may take: the card less what CUDA takes for itself."""
        return None if self.vram_bytes is None else self.vram_bytes - CONTEXT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a task went.

    Attributes:
        task: Which.
        outcome: `painted`, `out of memory`, `too slow`, `not tried` or `failed`.
        note: The plan that was followed, or what went wrong.
        load_seconds: Until the model was ready for its first job.
        seconds: Of each job, the first one first.
        allocated_bytes: The most that tensors took; `None` where nobody counts.
        reserved_bytes: The most that was held for them, which with about 400 MB for CUDA is what
            `nvidia-smi` shows.
        stages: Of ours, where somebody counts: bytes that the plan expected, and that were counted,
            by stage.
    """

    task: Task
    outcome: str
    note: str = ""
    load_seconds: float = 0.0
    seconds: Sequence[float] = field(default_factory=list)
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    stages: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The result that `to_json` wrote."""
        values = json.loads(text)
        return cls(**values | {"task": Task(**values["task"])})

    def to_json(self) -> str:
        """The result on one line."""
        return json.dumps(asdict(self))


def hopeless(task: Task, card_bytes: int | None = None, ram_bytes: int | None = None) -> str | None:
    """Why a way of Diffusers need not be tried: its weights alone are more than there is room for.

    Args:
        task: What would be done.
        card_bytes: Of the card, if the task stands in for none.
        ram_bytes: What is free of RAM, through which all weights go.
    """
    if task.way == OURS:
        return None
    number = 2 if task.dtype == "float32" else 1  # the files are in half precision
    sizes: Counter[Path] = Counter()
    for file in Path(task.folder).glob("*/*.safetensors"):
        sizes[file.parent] += number * file.stat().st_size
    everything = sizes.total()
    most = {"to": everything, "model offload": max(sizes.values(), default=0)}
    least = most.get(task.way.removesuffix(", tiled"), 0)
    room = card_bytes if task.allowed_bytes is None else task.allowed_bytes
    if room is not None and least > room:
        return f"{least / 1e9:.1f} GB of weights at once"
    if ram_bytes is not None and everything > ram_bytes:
        return f"{everything / 1e9:.1f} GB of weights, {ram_bytes / 1e9:.1f} GB of RAM free"
    return None
