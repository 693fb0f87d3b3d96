"""Pictures on small cards: ours against plain Diffusers, with full-size random weights.

    python -m benchmarks.memory sd15 --rung best --vram 2GB
    python -m benchmarks.memory flux --out results.jsonl
    python -m benchmarks.memory all
    python -m benchmarks.memory table --out results.jsonl

Each row is painted by the bot's own painter, then by Diffusers with its nearest option, the
fastest first until one does not run out of memory; each in a process whose tensors may take no
more than a card of that size leaves them. Weights are written to `--folder` once and used again.
Nothing is asked of the network. Results are JSON lines, in `--out` and on standard error; the
table is Markdown.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmarks.memory_sizes import ROWS, SIZES, task_of
from benchmarks.memory_table import markdown
from benchmarks.memory_task import (
    BEFORE_DECODING,
    LOADING,
    OPTIONS,
    OURS,
    RUNGS,
    Result,
    Task,
    hopeless,
)

TILES_TOO_LATE = "tiles come too late"

QUIET = {
    "HF_HUB_OFFLINE": "1",
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}

Child = Callable[..., str]
"""Runs a module of this package with arguments, and returns the last line that it prints."""


class ChildFailed(Exception):
    """A process ended badly; what it had to say is on standard error."""


def child(seconds: float) -> Child:
    """Runs each module in a process of its own for at most so many seconds."""

    def run(module: str, *arguments: str) -> str:
        environment = os.environ | QUIET
        try:
            done = subprocess.run(
                [sys.executable, "-m", module, *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise ChildFailed(f"took more than {seconds:.0f} s") from error
        if done.returncode:
            raise ChildFailed(f"exit code {done.returncode}")
        return (done.stdout.strip().splitlines() or [""])[-1]

    return run


def results_of(
    base: Task, ways: Sequence[str], run: Child, *, every: bool = False
) -> Iterator[Result]:
    """Do `base` in each of `ways`; of Diffusers' until one paints, or in `every` one."""
    lost: set[str] = set()
    for way in ways:
        task = replace(base, way=way)
        kind = way.removesuffix(", tiled")
        if why := hopeless(task) or (TILES_TOO_LATE if kind in lost else None):
            yield Result(task=task, outcome="not tried", note=why)
            continue
        try:
            result = Result.from_json(run("benchmarks.memory_run", task.to_json()))
        except ChildFailed as error:
            result = Result(task=task, outcome="failed", note=str(error))
        if result.outcome == "out of memory" and result.note in (LOADING, BEFORE_DECODING):
            lost.add(kind)
        yield result
        if way != OURS and result.outcome == "painted" and not every:
            return


def main(
    model: Annotated[Literal["sd15", "sdxl", "flux", "z-image", "all", "table"], typer.Argument()],
    rung: Annotated[Literal[tuple(RUNGS)] | None, typer.Option()] = None,  # type: ignore[valid-type]
    vram: Annotated[str | None, typer.Option(help="A card to stand in for, like 4GB.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Jobs in a row.")] = 3,
    side: Annotated[int | None, typer.Option(min=64, help="In place of the model's own.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="In place of the model's own.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where weights are kept.")] = None,
    out: Annotated[Path | None, typer.Option(help="File that results are added to.")] = None,
    limit: Annotated[float, typer.Option(help="Seconds that one process may take.")] = 300,
    device: str = "cuda",
    every: Annotated[bool, typer.Option("--every", help="Try all of Diffusers' options.")] = False,
    learned: Annotated[
        bool, typer.Option("--learned", help="Let ours measure first, as after the first start.")
    ] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete weights after use.")] = False,
) -> None:
    """Measure the rows of one model or all, or print the table of what was measured."""
    if model == "table":
        if out is None:
            raise typer.BadParameter("--out says which results to print.")
        print(markdown(map(Result.from_json, out.read_text().splitlines())))
        return
    run = child(limit)
    found: list[Result] = []
    place = folder or Path(tempfile.gettempdir()) / "atelier-benchmarks"
    for name in SIZES if model == "all" else [model]:
        weights = place / name
        run("benchmarks.memory_models", name, str(weights))
        rows = [(rung or "best", vram)] if rung or vram else ROWS[name]
        for chosen, card in rows:
            base = task_of(
                name,
                weights,
                rung=chosen,
                vram=card,
                side=side,
                steps=steps,
                count=count,
                device=device,
                learned=learned,
            )
            ways = _ways(chosen, device, every)
            for result in results_of(base, ways, run, every=every):
                found.append(result)
                print(result.to_json(), file=sys.stderr, flush=True)
                if out is not None:
                    with out.open("a") as file:
                        print(result.to_json(), file=file)
        if discard:
            shutil.rmtree(weights)
    print(markdown(found))


def _ways(rung: str, device: str, every: bool) -> tuple[str, ...]:
    """Ours, then Diffusers'; a CPU has no memory of its own to save."""
    if device == "cpu":
        return OURS, "to"
    return OURS, *(OPTIONS if every else RUNGS[rung].plain)


if __name__ == "__main__":
    typer.run(main)
