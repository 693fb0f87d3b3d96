"""A job in the painter's hands."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from PIL import Image

from engine.diffusion.families import Family, InitImage, Sample
from engine.diffusion.oom import out_of_memory
from engine.diffusion.previews import encode_preview
from engine.errors import AtelierError, new_incident, without_folders
from engine.images.exif_orientation import apply_exif_orientation
from engine.jobs.job import Job
from engine.worker.messages import JobProgress, Pixels, RunJob
from speech import say

log = logging.getLogger(__name__)

PREVIEW_EVERY = 2.0
"""Seconds between two previews of a job."""

PREVIEW_FROM = 3.0
"""Seconds that a job must be expected to take for a preview to be worth it."""


@dataclass(eq=False)
class RunningJob:
    """A job in the painter's hands.

    Attributes:
        order: What was asked of the painter.
        samples: One for each picture.
        since: When it was admitted, monotonic seconds.
        previewed: When its last preview was made.
        alone: Whether its samples share no batch, since a batch with them broke.
        pictures: The finished ones, by the sample's place.
    """

    order: RunJob
    samples: Sequence[Sample]
    since: float = field(default_factory=lambda: time.monotonic())
    previewed: float = field(default_factory=lambda: time.monotonic())
    alone: bool = False
    pictures: dict[int, Pixels] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        """Whose pictures these are."""
        return self.order.job

    @property
    def finished(self) -> bool:
        """Whether all of its pictures are there."""
        return len(self.pictures) == len(self.samples)

    @cached_property
    def kept(self) -> InitImage | None:
        """The picture that its mask keeps parts of, read once; `None` where nothing is kept."""
        return init_image_of(self.order) if self.order.mask else None

    def unfinished(self) -> list[tuple[int, Sample]]:
        """The samples that only want decoding, with their places."""
        return [
            (place, sample)
            for place, sample in enumerate(self.samples)
            if sample.done and place not in self.pictures and not sample.cancelled
        ]

    def interrupt(self) -> None:
        """Have a family that runs whole give its samples up."""
        for sample in self.samples:
            sample.cancelled = True

    def progress(self, preview: bytes | None = None) -> JobProgress:
        """How far its pictures are, all together."""
        done = sum(sample.step for sample in self.samples)
        total = sum(sample.total_steps for sample in self.samples)
        return JobProgress(self.job.id, done, total, preview)

    def preview(self, family: Family, step_seconds: float) -> bytes | None:
        """WebP of the work in progress, when it is worth one and time for one."""
        now = time.monotonic()
        left = max(sample.total_steps - sample.step for sample in self.samples) * step_seconds
        if now - self.since + left < PREVIEW_FROM or now - self.previewed < PREVIEW_EVERY:
            return None
        self.previewed = now
        try:
            images = [family.preview(sample) for sample in self.samples]
            shown = [image for image in images if image is not None]
            return encode_preview(shown) if shown else None
        except Exception:
            # The picture itself may well come out; a preview is not worth losing it.
            log.exception("Job %d has no preview", self.job.id)
            return None


def init_image_of(order: RunJob) -> InitImage | None:
    """The picture that a job starts from, upright, with its mask."""
    if order.image is None:
        return None
    with Image.open(order.image) as opened:
        image = apply_exif_orientation(opened).convert("RGB")
    if order.mask is None:
        return InitImage(image)
    with Image.open(order.mask) as opened:
        return InitImage(image, apply_exif_orientation(opened).convert("L"))


def paste_unmasked(painted: Image.Image, kept: InitImage | None) -> Image.Image:
    """The painted picture, over it to the pixel what its mask keeps of the one it starts from.

    The autoencoder alone would change that a little everywhere.
    """
    if kept is None or kept.mask is None:
        return painted
    before = kept.image.resize(painted.size, Image.Resampling.LANCZOS)
    mask = kept.mask.resize(painted.size, Image.Resampling.BILINEAR)
    return Image.composite(painted, before, mask)


def sentence_for(job: Job, error: Exception, fits: tuple[int, int] | None) -> str:
    """What to tell people about `error`; whatever is our own fault goes to the log with an id.

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
