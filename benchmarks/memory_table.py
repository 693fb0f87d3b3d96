"""The table of `benchmarks.memory` as Markdown."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median

from benchmarks.memory_sizes import SIZES
from benchmarks.memory_task import OURS, Result, Task
from engine.memory.plan import Stage

MEBIBYTE = 2**20


HEADINGS = (
    "model",
    "card",
    "rung",
    "way",
    "peak (MiB)",
    "held (MiB)",
    "load (s)",
    "first (s)",
    "repeated (s)",
    "times as fast",
)


STAGES = (Stage.ENCODE, Stage.STEP, Stage.DECODE)


def markdown(results: Iterable[Result]) -> str:
    """A row for each result, ours first in each group, with our speed against Diffusers'.

    Where stages were counted, a second table holds them against what was planned.
    """
    everything = list(results)
    lines: list[tuple[str, ...]] = [HEADINGS, ("---",) * 4 + ("---:",) * 6]
    for _, found in groupby(everything, _group):
        group = sorted(found, key=lambda result: result.task.way != OURS)
        lines += [_row(result, _against(result, group)) for result in group]
    tables = [lines]
    counted = [result for result in everything if result.stages]
    if counted:
        headings = *HEADINGS[:3], *(f"{stage}: planned, counted (MiB)" for stage in STAGES)
        tables.append([headings, ("---",) * 3 + ("---:",) * 3, *map(_stages, counted)])
    return "\n\n".join("\n".join(f"| {' | '.join(line)} |" for line in table) for table in tables)


def repeated(result: Result) -> float | None:
    """Seconds of a job after the first, the one in the middle."""
    return median(result.seconds[1:]) if len(result.seconds) > 1 else None


def _group(result: Result) -> tuple[object, ...]:
    task = result.task
    return task.model, task.side, task.steps, task.rung, task.vram_bytes


def _against(result: Result, group: Sequence[Result]) -> float | None:
    """How many times as fast as Diffusers' fastest way we are, at repeated jobs."""
    ours = repeated(result)
    theirs = [seconds for other in group if other.task.way != OURS if (seconds := repeated(other))]
    return min(theirs) / ours if result.task.way == OURS and ours and theirs else None


def _row(result: Result, speed: float | None) -> tuple[str, ...]:
    task = result.task
    way = task.way if result.outcome == "painted" else f"{task.way}: {result.outcome}"
    if result.note:
        way += f" ({result.note})"
    return (
        *_what(task),
        way.replace("|", "/").replace("\n", " "),
        _mebibytes(result.allocated_bytes),
        _mebibytes(result.reserved_bytes),
        _number(result.load_seconds or None),
        _number(result.seconds[0] if result.seconds else None),
        _number(repeated(result)),
        _number(speed),
    )


def _stages(result: Result) -> tuple[str, ...]:
    """What was planned and counted at each stage, and their ratio."""
    cells = []
    for stage in STAGES:
        planned, counted = result.stages.get(stage, (0, 0))
        both = f"{_mebibytes(planned)}, {_mebibytes(counted)}"
        cells.append(f"{both} ({planned / counted:.2f})" if counted else "—")
    return *_what(result.task), *cells


def _what(task: Task) -> tuple[str, str, str]:
    """The model, the card and the rung."""
    card = "whole" if task.vram_bytes is None else f"{task.vram_bytes / 1e9:g} GB"
    return f"{SIZES[task.model].label} {task.side}², {task.steps} steps", card, task.rung


def _mebibytes(count: int | None) -> str:
    return "—" if count is None else f"{count / MEBIBYTE:.0f}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"
