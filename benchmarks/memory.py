"""Pictures on small cards: ours against plain Diffusers, with full-size random weights.

    python -m benchmarks.memory sd15 --rung best --vram 2GB
    python -m benchmarks.memory flux --out results.jsonl
    python -m benchmarks.memory all
    python -m benchmarks.memory table --out results.jsonl

Each row is painted by the bot's own painter, then by Diffusers with its nearest option, the
fastest first until one does not run out of memory; each in a process whose tensors may take no
more than a card of that size leaves them, beside plans for the whole card. Weights are written to
`--folder` once and used again; models that RAM or the disk has no room for are left out.
Nothing is asked of the network. Results are JSON lines, in `--out` and on standard error; the
table is Markdown.
"""

import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import psutil
import typer

from benchmarks.machine import Machine, NoAnswer
from benchmarks.memory_sizes import SIZES, rows_of, task_of
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
from benchmarks.processes import run_python
from benchmarks.time_limit import seconds_left, shown
from engine.sizes import InvalidSize, human_size, parse_bytes

TILES_TOO_LATE = "tiles come too late"

TORCH_TAKES = 5.0
"""Seconds that a process needs at least before it paints."""

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


class TooSlow(ChildFailed):
    """A process took more than the time that it had."""


class NoTime(ChildFailed):
    """No time is left to begin anything."""


def child(seconds: float, until: float = math.inf) -> Child:
    """Runs each module in a process of its own for at most so many seconds.

    Args:
        seconds: That each may take.
        until: Moment of the monotonic clock when all have ended.
    """

    def run(module: str, *arguments: str) -> str:
        left = min(seconds, until - time.monotonic())
        if left < min(seconds, TORCH_TAKES):
            raise NoTime("no time was left")
        ended = run_python(["-m", module, *arguments], left, QUIET)
        if ended.code is None:
            raise TooSlow(f"took more than {left:.0f} s")
        if ended.code:
            print(ended.errors, file=sys.stderr, flush=True)
            said = ended.errors.strip().splitlines() or ["the system ended it; is RAM short?"]
            raise ChildFailed(f"exit code {ended.code}: {said[-1]}")
        return (ended.output.strip().splitlines() or [""])[-1]

    return run


def results_of(
    base: Task,
    ways: Sequence[str],
    run: Child,
    *,
    every: bool = False,
    card_bytes: int | None = None,
) -> Iterator[Result]:
    """Do `base` in each of `ways`; of Diffusers' until one paints or is too slow, or `every` one.

    `card_bytes` are those of the card, if the task stands in for none.
    """
    lost: set[str] = set()
    for way in ways:
        task = replace(base, way=way)
        kind = way.removesuffix(", tiled")
        why = hopeless(task, card_bytes, psutil.virtual_memory().available)
        if why := why or (TILES_TOO_LATE if kind in lost else None):
            yield Result(task=task, outcome="not tried", note=why)
            continue
        try:
            result = Result.from_json(run("benchmarks.memory_run", task.to_json()))
        except NoTime as error:
            yield Result(task=task, outcome="not tried", note=str(error))
            return
        except TooSlow as error:
            result = Result(task=task, outcome="too slow", note=str(error))
        except ChildFailed as error:
            result = Result(task=task, outcome="failed", note=str(error))
        if result.outcome == "out of memory" and result.note in (LOADING, BEFORE_DECODING):
            lost.add(kind)
        yield result
        if way != OURS and result.outcome in ("painted", "too slow") and not every:
            return


def why_not(name: str, folder: Path, device: str) -> str | None:
    """Why the architecture `name`, with weights in `folder`, can't be measured on this machine."""
    size = SIZES[name].weight_bytes
    needed = 2 * size if device == "cpu" else size
    if needed > (free := psutil.virtual_memory().available):
        return f"its weights need {human_size(needed)} of RAM, {human_size(free)} are free"
    existing = next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if size > free and not (folder / "model_index.json").exists():
        return f"its weights need {human_size(size)} on disk, {human_size(free)} are free"
    return None


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
    seconds: Annotated[float | None, typer.Option(help="That everything may take.")] = None,
    device: str = "cuda",
    card_bytes: Annotated[int | None, typer.Option(help="Its memory; asked if omitted.")] = None,
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
    run = child(limit, time.monotonic() + seconds_left(seconds))
    if card_bytes is None:
        card_bytes = _card_bytes(device, seconds_left(seconds))
    _require_standing_in(vram, card_bytes)
    found: list[Result] = []
    unmeasured: list[str] = []
    place = folder or Path(tempfile.gettempdir()) / "atelier-benchmarks"

    def measure(name: str) -> None:
        weights = place / name
        why = why_not(name, weights, device) or _why_unwritten(name, weights, run)
        if why is not None:
            unmeasured.append(f"{SIZES[name].label} wasn't measured: {why}.")
            return
        rows = [(rung or "best", vram)] if rung or vram else rows_of(name, card_bytes)
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
            for result in results_of(base, ways, run, every=every, card_bytes=card_bytes):
                found.append(result)
                print(result.to_json(), file=sys.stderr, flush=True)
                if out is not None:
                    with out.open("a") as file:
                        print(result.to_json(), file=file)

    def show() -> None:
        print("\n\n".join([*([markdown(found)] if found else []), *unmeasured]), flush=True)

    with shown(show):
        for name in SIZES if model == "all" else [model]:
            try:
                measure(name)
            finally:
                if discard:
                    shutil.rmtree(place / name, ignore_errors=True)


def _card_bytes(device: str, seconds: float) -> int | None:
    """The memory of the card; `None` if it is RAM.

    Raises:
        typer.BadParameter: There is no such device.
    """
    try:
        return Machine.ask(device, seconds).card_bytes
    except NoAnswer as error:
        raise typer.BadParameter(str(error)) from error


def _require_standing_in(vram: str | None, card_bytes: int | None) -> None:
    """Raise `typer.BadParameter` if the card can't stand in for one of the size `vram`."""
    try:
        if vram is not None and parse_bytes(vram) > (card_bytes or math.inf):
            raise typer.BadParameter(f"--vram: this card has {human_size(card_bytes or 0)}.")
    except InvalidSize as error:
        raise typer.BadParameter(str(error)) from error


def _why_unwritten(name: str, folder: Path, run: Child) -> str | None:
    """Write the weights of the architecture `name`; returns why that failed."""
    try:
        run("benchmarks.memory_models", name, str(folder))
    except ChildFailed as error:
        return f"its weights weren't written ({error})"
    return None


def _ways(rung: str, device: str, every: bool) -> tuple[str, ...]:
    """Ours, then Diffusers'; a CPU has no memory of its own to save."""
    if device == "cpu":
        return OURS, "to"
    return OURS, *(OPTIONS if every else RUNGS[rung].plain)


if __name__ == "__main__":
    typer.run(main)
