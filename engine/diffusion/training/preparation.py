"""Before the first step: pictures of the class are painted, and all pictures encoded."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from PIL import Image

from engine.diffusion.training.examples import Example
from engine.diffusion.training.model import TrainingModel
from engine.errors import Withheld
from engine.images.encoding import PictureMarks, encoded
from engine.images.metadata.xmp import SourceType
from engine.training.dataset.buckets import bucket_of, fitted
from engine.training.dataset.reading import TrainingPicture, open_picture, read_dataset
from engine.training.request import TrainingRequest
from engine.training.run_folder import RunFolder


def prepare(
    model: TrainingModel,
    request: TrainingRequest,
    folder: RunFolder,
    on_progress: Callable[[int, int], None],
) -> tuple[list[Example], list[Example]]:
    """The examples of what is to be learnt, and those of its class.

    A picture of the class that the model's own safety checker objects to is left out.

    Args:
        model: Encodes them, and paints the class.
        request: What is to be trained.
        folder: Where the pictures are.
        on_progress: Called with how many pictures are done, and how many there are.

    Raises:
        InvalidDataset: A picture is gone or damaged.
        StorageError: A picture of the class can't be written.
    """
    dataset = read_dataset(folder.pictures, request.trigger, side=request.side)
    total = len(dataset.pictures) + 2 * request.class_pictures
    done = count(1)
    on_progress(0, total)
    shown = [folder.prior / f"{number:04d}.png" for number in range(request.class_pictures)]
    for number, file in enumerate(shown):
        if not file.exists():
            with suppress(Withheld):
                folder.write(file, painted(model.paint(model.class_recipe(number))))
        on_progress(next(done), total)
    own: list[Example] = []
    for picture in dataset.pictures:
        own += [_example(model, request, picture)] * picture.repeats
        on_progress(next(done), total)
    prior: list[Example] = []
    for number, file in enumerate(shown):
        if file.exists():
            picture = _picture_of_class(file, model.class_recipe(number).prompt)
            prior.append(_example(model, request, picture))
        on_progress(next(done), total)
    return own, prior


def painted(picture: Image.Image) -> bytes:
    """A PNG of a picture that a model has painted."""
    return encoded(picture, "PNG", PictureMarks(source_type=SourceType.TRAINED))


def _picture_of_class(file: Path, prompt: str) -> TrainingPicture:
    with Image.open(file) as image:
        return TrainingPicture(file=file, caption=prompt, width=image.width, height=image.height)


def _example(model: TrainingModel, request: TrainingRequest, picture: TrainingPicture) -> Example:
    size = bucket_of(
        picture.width,
        picture.height,
        side=request.side,
        multiple_of=model.facts.multiple_of,
    )
    return model.example(fitted(open_picture(picture), size), picture.caption)
