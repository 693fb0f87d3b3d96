"""Whether a device has painted what it was asked for."""

from collections.abc import Sequence

from engine.devices.messages import Pixels
from engine.jobs.job import Job


def why_not_asked_for(job: Job, pictures: Sequence[Pixels]) -> str | None:
    """What is wrong with a job's pictures, for the log; `None` if nothing is.

    A network decides itself how large its picture becomes.
    """
    recipe = job.recipe
    if len(pictures) != recipe.count:
        return f"{len(pictures)} pictures instead of {recipe.count}"
    for picture in pictures:
        size = picture.width, picture.height
        if recipe.process is None and size != (recipe.width, recipe.height):
            return "{}×{} pixels instead of {}×{}".format(*size, recipe.width, recipe.height)
        if len(picture.data) != picture.width * picture.height * len(picture.mode):
            return f"{len(picture.data)} bytes for {picture.width}×{picture.height} pixels"
    return None
