"""A job that the executor is running."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import Image

from engine.devices.messages import JobProgress, Pixels, RunJob
from engine.diffusion.families import Family, InitImage, Sample
from engine.diffusion.oom import out_of_memory, out_of_ram
from engine.diffusion.overflow import NumbersOverflowed
from engine.diffusion.previews import encode_preview
from engine.errors import AtelierError, new_incident, without_folders
from engine.images.canvas import put_back
from engine.images.colours import on_white
from engine.images.exif_orientation import apply_exif_orientation
from engine.jobs.job import Job
from engine.jobs.process import Region
from speech import say

log = logging.getLogger(__name__)

PREVIEW_INTERVAL = 2.0
"""Seconds between two previews of a job."""

PREVIEW_MIN_DURATION = 3.0
"""Seconds that a job must be expected to take to get previews."""


@dataclass(eq=False)
class RunningJob:
    """A job that the executor is running.

    Attributes:
        command: The command that started it.
        samples: One for each picture.
        started_at: Monotonic seconds.
        previewed_at: When its last preview was made, monotonic seconds.
        alone: Whether its samples aren't batched with others, since a batch with them failed.
        pictures: The finished ones, by the number of their sample.
    """

    command: RunJob
    samples: Sequence[Sample]
    started_at: float = field(default_factory=lambda: time.monotonic())
    previewed_at: float = field(default_factory=lambda: time.monotonic())
    alone: bool = False
    pictures: dict[int, Pixels] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        """The job."""
        return self.command.job

    @property
    def finished(self) -> bool:
        """Whether all of its pictures are finished."""
        return len(self.pictures) == len(self.samples)

    @cached_property
    def masked_image(self) -> InitImage | None:
        """The init image with its mask, read once; `None` without a mask."""
        return init_image_of(self.command) if self.command.mask else None

    def undecoded(self) -> list[tuple[int, Sample]]:
        """The samples that only have to be decoded, with their numbers."""
        return [
            (number, sample)
            for number, sample in enumerate(self.samples)
            if sample.done and number not in self.pictures and not sample.cancelled
        ]

    def interrupt(self) -> None:
        """Have a family that runs whole drop its samples."""
        for sample in self.samples:
            sample.cancelled = True

    def progress(self, preview: bytes | None, step_seconds: float) -> JobProgress:
        """How far its pictures are, summed up, and what the latest step took."""
        done = sum(sample.step for sample in self.samples)
        total = sum(sample.total_steps for sample in self.samples)
        return JobProgress(self.job.id, done, total, preview, step_seconds)

    def preview(self, family: Family, step_seconds: float) -> bytes | None:
        """WebP of the pictures in progress, if the job gets previews and one is due."""
        now = time.monotonic()
        left = max(one.total_steps - one.step for one in self.samples) * step_seconds
        expected = now - self.started_at + left
        if expected < PREVIEW_MIN_DURATION or now - self.previewed_at < PREVIEW_INTERVAL:
            return None
        self.previewed_at = now
        try:
            images = [family.preview(sample) for sample in self.samples]
            shown = [image for image in images if image is not None]
            return encode_preview(shown) if shown else None
        except Exception:
            # The picture itself may still be fine.
            log.exception("Job %d has no preview", self.job.id)
            return None


def init_image_of(command: RunJob) -> InitImage | None:
    """The init image of a job, upright, with its mask."""
    if command.image is None:
        return None
    image = _opened(command.image)
    if (region := _region_of(command)) is not None:
        return InitImage(on_white(image.crop(region.box)))
    mask = _opened(command.mask).convert("L") if command.mask else None
    return InitImage(on_white(image), mask)


def references_of(command: RunJob) -> list[Image.Image]:
    """The reference pictures of a job, upright, with what is transparent in them."""
    return [_opened(file) for file in command.references]


def control_of(command: RunJob) -> Image.Image | None:
    """The map that a job is painted along."""
    return None if command.control is None else on_white(_opened(command.control))


def _opened(file: Path) -> Image.Image:
    with Image.open(file) as opened:
        image = apply_exif_orientation(opened)
        image.load()
        return image


def _region_of(command: RunJob) -> Region | None:
    process = command.job.recipe.process
    return None if process is None else process.region


def with_surroundings(painted: Image.Image, command: RunJob) -> Image.Image:
    """The painted picture; if it is a region of another one, that one with it."""
    region = _region_of(command)
    if region is None or command.image is None:
        return painted
    with Image.open(command.image) as opened:
        picture = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
    return put_back(painted, picture, region)


def paste_unmasked(painted: Image.Image, init_image: InitImage | None) -> Image.Image:
    """The painted picture, with what its mask keeps of the init image pasted over it.

    The autoencoder alone would change that slightly everywhere.
    """
    if init_image is None or init_image.mask is None:
        return painted
    original = init_image.image.resize(painted.size, Image.Resampling.LANCZOS)
    original = original.convert(painted.mode)
    mask = init_image.mask.resize(painted.size, Image.Resampling.BILINEAR)
    return Image.composite(painted, original, mask)


def failure_sentence(job: Job, error: Exception, fits: tuple[int, int] | None) -> str:
    """What to tell people about `error`; a bug goes to the log with an ID.

    Args:
        job: What failed.
        error: How.
        fits: A size that would fit, if memory ran out and there is one.
    """
    if isinstance(error, AtelierError):
        sentence = without_folders(error.sentence)
        if sentence != error.sentence:
            log.error("Job %d failed: %s", job.id, error)
        return sentence
    if isinstance(error, NumbersOverflowed):
        log.error("Job %d: %s in every type that can be used", job.id, error)
        return say(
            "{model} can only paint this black here. Try it without LoRAs or with lower guidance. "
            "If that doesn't help, the model's files may be damaged.",
            model=job.recipe.model,
        )
    if out_of_ram(error) and fits is None:
        log.error("Job %d: RAM ran out: %s", job.id, error)
        return say(
            "This machine's RAM is too small for {model} beside what else runs on it. Choose a "
            "smaller model.",
            model=job.recipe.model,
        )
    if out_of_memory(error):
        recipe = job.recipe
        log.error("Job %d does not fit: %s", job.id, error)
        size, model = f"{recipe.width}×{recipe.height}", recipe.model
        if fits is None:
            return say(
                "{size} with {model} doesn't fit in this machine's memory. A smaller size "
                "might fit.",
                size=size,
                model=model,
            )
        return say(
            "{size} with {model} doesn't fit in this machine's memory. {smaller} should fit.",
            size=size,
            model=model,
            smaller=f"{fits[0]}×{fits[1]}",
        )
    incident = new_incident()
    log.error("Job %d failed (incident %s)", job.id, incident, exc_info=error)
    return say(
        "The picture couldn't be painted. The owner can find the reason in the log: {incident}.",
        incident=incident,
    )
