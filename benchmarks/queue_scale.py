"""What a submit, a turn and a cancellation cost the queue and the dispatcher, by what waits.

    python -m benchmarks.queue_scale --devices 200

The queue, the assignment to devices and the positions are the real ones; devices are always busy,
but for the one that has just finished, and what a submit writes to SQLite isn't counted.
"""

import random
import statistics
import time
from collections.abc import Callable
from itertools import islice
from typing import Annotated

import typer

from engine.jobs.assignment import JobAssignment
from engine.jobs.batch_sizes import BatchSizes
from engine.jobs.device_load import DeviceLoad
from engine.jobs.job import Job, JobState
from engine.jobs.outlook import Outlook
from engine.jobs.positions import CHOICES, MOST
from engine.jobs.queue import FairQueue
from engine.jobs.recipe import Recipe
from engine.jobs.step_times import StepTimes
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.profiles import ProfileStore

WAITING = (0, 1_000, 10_000, 100_000)
REPEATS = 200
MODELS = ("sdxl", "flux", "sketch")


class Line:
    """A queue in which jobs wait for devices that are busy."""

    def __init__(self, waiting: int, owners: int, devices: int, chance: random.Random) -> None:
        self.queue = FairQueue()
        self._assignment = JobAssignment(self.queue, 60.0)
        self._chance = chance
        self._owners = owners
        self._number = 0
        self._submitted: list[int] = []
        self._loads = [_load(f"device {n}") for n in range(devices)]
        for load in self._loads:
            load.begin(self.job())
        for _ in range(waiting):
            self.queue.push(self.job())

    def job(self) -> Job:
        """A new job of one of the owners."""
        self._number += 1
        return Job(
            id=self._number,
            owner=f"user {self._chance.randrange(self._owners)}",
            message_ref=None,
            recipe=_recipe(self._chance),
            state=JobState.QUEUED,
            created_at=0.0,
            scope=f"server {self._chance.randrange(1000)}",
        )

    def submit(self) -> None:
        """Queue a job while all devices are busy."""
        job = self.job()
        self._submitted.append(job.id)
        self.queue.push(job)
        self._assignment.decide(self._loads)

    def cancel(self) -> None:
        """Take out the job that was submitted last."""
        self.queue.remove(self._submitted.pop())

    def turn(self) -> None:
        """A device finishes its job, and is given the next one."""
        load = self._chance.choice(self._loads)
        load.end(next(iter(load.running)))
        for job, found in self._assignment.decide(self._loads):
            self.queue.serve(job)
            found.begin(job)
        if not load.running:
            load.begin(self.job())

    def positions(self) -> None:
        """Tell a thousand of those who wait where they are, as is done now and then."""
        outlook = Outlook(self._loads)
        for number, job in enumerate(islice(self.queue.walk(), MOST)):
            if number < CHOICES // len(self._loads) and (best := outlook.best(job)) is not None:
                best.place(job)


def main(
    devices: Annotated[int, typer.Option(min=1, help="Devices under the queue.")] = 1,
    owners: Annotated[int, typer.Option(min=1, help="People who ask.")] = 1000,
) -> None:
    """Print a table; microseconds, the median of many."""
    typer.echo(f"{devices} devices, {owners} people; µs, median (99 %)")
    typer.echo(f"{'waiting':>9}{'submit':>16}{'turn':>16}{'cancel':>16}{'1000 positions':>20}")
    for waiting in WAITING:
        line = Line(waiting, owners, devices, random.Random(7))
        cells = [
            _measured(line.submit),
            _measured(line.turn),
            _measured(line.cancel),
            _measured(line.positions, 5),
        ]
        typer.echo(f"{waiting:>9}{cells[0]:>16}{cells[1]:>16}{cells[2]:>16}{cells[3]:>20}")


def _measured(work: Callable[[], object], repeats: int = REPEATS) -> str:
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    worst = sorted(seconds)[int(0.99 * (repeats - 1))]
    return f"{1e6 * statistics.median(seconds):.0f} ({1e6 * worst:.0f})"


def _load(name: str) -> DeviceLoad:
    known = [_measurement(name, model, Stage.STEP, 0.1) for model in MODELS]
    known += [_measurement(name, model, Stage.LOAD, 10.0) for model in MODELS]
    batches = BatchSizes(1)
    return DeviceLoad(name, batches, StepTimes(ProfileStore(known), batches))


def _measurement(device: str, model: str, stage: Stage, seconds: float) -> Measurement:
    return Measurement(
        model=model,
        device=device,
        plan_key="float16",
        stage=stage,
        dtype="float16",
        tile_side=0,
        width=1024,
        height=1024,
        batch=1,
        weight_bytes=10,
        peak_bytes=None,
        usable_bytes=1000,
        seconds=seconds,
    )


def _recipe(chance: random.Random) -> Recipe:
    return Recipe(
        prompt="a red house",
        negative_prompt="",
        model=chance.choice(MODELS),
        width=1024,
        height=1024,
        num_inference_steps=chance.choice((4, 20, 30)),
        guidance_scale=5.0,
        seed=7,
        count=chance.choice((1, 1, 1, 4)),
        scheduler="ddim",
    )


if __name__ == "__main__":
    typer.run(main)
