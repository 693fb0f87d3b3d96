"""What jobs have painted, and watchers of it."""

from collections.abc import Callable

import numpy as np

from engine.devices.messages import ExecutorReport, JobPainted, JobProgress, Pixels
from engine.jobs.recipe import Recipe
from tests.engine.diffusion.conftest import Image
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.harness import Harness

Plain = Callable[[str, Recipe], Image]


def levels(pixels: Pixels) -> Image:
    flat = np.frombuffer(pixels.data, np.uint8)
    return flat.reshape(pixels.height, pixels.width, 3).astype(np.int16)


def is_picture_of(harness: Harness, job_id: int, plain: Image) -> bool:
    [painted] = harness.of(JobPainted, job_id)
    [pixels] = painted.pictures
    return difference(levels(pixels), plain) <= ONE_LEVEL


def once(
    when: Callable[[ExecutorReport], bool], then: Callable[[], None]
) -> Callable[[ExecutorReport], None]:
    """A watcher that does something at the first report of a kind."""
    done: list[bool] = []

    def watch(report: ExecutorReport) -> None:
        if not done and when(report):
            done.append(True)
            then()

    return watch


def steps_of(harness: Harness, job_id: int) -> list[int]:
    return [report.step for report in harness.of(JobProgress, job_id)]
