"""What `benchmarks.memory` paints with each architecture, and on which cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.memory_task import OURS, RUNGS, Task
from engine.sizes import parse_bytes


@dataclass(frozen=True, slots=True)
class BenchmarkSize:
    """What is painted with an architecture.

    Attributes:
        label: Name for people.
        side: Of a picture, pixels.
        steps: Denoising steps.
        guidance: 1 and below is none.
        half: The half precision that it is made for.
        parameters: Millions of numbers.
        call: What the pipeline has to be told to do what its model card says, as we do.
    """

    label: str
    side: int
    steps: int
    guidance: float
    half: str
    parameters: int
    call: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weight_bytes(self) -> int:
        """Of its files, in half precision."""
        return 2 * 10**6 * self.parameters


SIZES: Mapping[str, BenchmarkSize] = MappingProxyType(
    {
        "sd15": BenchmarkSize("SD 1.5", 512, 25, 7.5, "float16", 1067),
        "sdxl": BenchmarkSize("SDXL", 1024, 30, 5.0, "float16", 3469),
        "flux": BenchmarkSize(
            "FLUX.1 schnell", 1024, 4, 0.0, "bfloat16", 16860, {"max_sequence_length": 256}
        ),
        "z-image": BenchmarkSize("Z-Image Turbo", 1024, 8, 0.0, "bfloat16", 10261),
    }
)

ROWS: Mapping[str, Sequence[tuple[str, str | None]]] = MappingProxyType(
    {
        "sd15": (
            ("best", None),
            ("best", "4GB"),
            ("best", "2GB"),
            ("best", "1.5GB"),
            ("stream", "2GB"),
            ("model", None),
            ("sequential", None),
            ("encoders", None),
            ("tiled", None),
            ("half", None),
            ("fp32", None),
        ),
        "sdxl": (("best", None), ("best", "8GB"), ("best", "6GB"), ("best", "4GB")),
        "z-image": (("best", None), ("best", "12GB"), ("best", "8GB")),
        "flux": (("best", None), ("best", "24GB"), ("best", "12GB"), ("best", "8GB")),
    }
)
"""Rungs and cards by architecture, what tells most first; without a card the whole of this one."""


def rows_of(name: str, card_bytes: int | None) -> list[tuple[str, str | None]]:
    """The rows of the architecture `name` that a card of so many bytes can stand in for.

    What has no memory of its own (`None`) has none to save.
    """
    if card_bytes is None:
        return [("best", None)]
    return [
        (rung, card) for rung, card in ROWS[name] if card is None or parse_bytes(card) < card_bytes
    ]


def task_of(
    name: str,
    folder: Path,
    *,
    rung: str = "best",
    vram: str | None = None,
    side: int | None = None,
    steps: int | None = None,
    **others: Any,
) -> Task:
    """The task of painting with the architecture `name`, our way.

    Args:
        name: In `SIZES`.
        folder: Where its weights are.
        rung: In `RUNGS`.
        vram: A card to stand in for, like “4GB”; `None` for the whole one.
        side: Of a picture, in place of the model's own.
        steps: In place of the model's own.
        others: Further attributes of the task.
    """
    size = SIZES[name]
    return Task(
        model=name,
        folder=str(folder),
        rung=rung,
        way=OURS,
        vram_bytes=None if vram is None else parse_bytes(vram),
        side=side or size.side,
        steps=steps or size.steps,
        guidance=size.guidance,
        dtype=RUNGS[rung].dtype or size.half,
        **others,
    )
