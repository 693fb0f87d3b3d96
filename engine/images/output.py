"""Finished pictures on disk, with their settings embedded.

The `parameters` text chunk is that of the AUTOMATIC1111 web interface, which other tools also read:
the prompt, a line `Negative prompt: …`, and a line `Steps: …, Sampler: …, …`.
"""

from pathlib import Path

from PIL import Image

from engine.atomic_write import write_whole
from engine.devices.messages import Pixels
from engine.errors import InvalidRequest, StorageError
from engine.images.encoding import PARAMETERS, PictureMarks, encoded, marks_in
from engine.images.metadata.a1111 import parse_parameters
from engine.images.metadata.reading import NEGATIVE_PREFIX
from engine.images.metadata.samplers import SAMPLERS
from engine.images.metadata.xmp import SourceType
from engine.images.uploads import UploadFolder
from engine.jobs.job import Job
from engine.jobs.process import Process, ProcessKind, Region
from engine.jobs.recipe import Recipe
from engine.jobs.request import ImageRequest
from engine.prompts.grammar import with_adapters
from engine.settings import Metadata
from speech import phrase, say

GONE = phrase(
    "This picture's file is gone, so nothing can be made from it. “Again” paints a new version."
)


class OutputFolder:
    """The folder of finished pictures. Its methods block: call them on a thread.

    Attributes:
        metadata: What is written into the files.
    """

    def __init__(
        self, folder: Path, uploads: UploadFolder | None = None, metadata: Metadata = "full"
    ) -> None:
        """Take the folder.

        Args:
            folder: Where the pictures are.
            uploads: Where start images are, which know where they come from.
            metadata: What is written into the files.
        """
        self._folder = folder
        self._uploads = uploads
        self.metadata = metadata

    def save(
        self, job: Job, pictures: tuple[Pixels, ...], resized: Path | None = None
    ) -> list[Path]:
        """Write the pictures of `job` as PNG, each completely or not at all.

        Args:
            job: What was painted.
            pictures: All of its pictures.
            resized: The file of which they are enlargements.

        Raises:
            StorageError: When the disk is full or refuses.
        """
        files = []
        origin = marks_in(resized).source_type if resized else None
        origin = origin or self._origin(job.recipe)
        try:
            for i, (picture, seed) in enumerate(zip(pictures, job.recipe.seeds, strict=True)):
                file = self._folder / f"{job.id // 1000:03d}" / f"{job.id:06d}-{i + 1}.png"
                marks = self._marks(origin, parameters(job.recipe, seed))
                # A network has enlarged what it worked on.
                enlarged = job.recipe.enlarged if job.recipe.process is None else 1
                image = _enlarged(picture, enlarged)
                write_whole(file, encoded(image, "PNG", marks))
                files.append(file)
        except OSError as error:
            self.delete(files)
            raise StorageError(
                say("The picture couldn't be saved: {reason}.", reason=error.strerror)
            ) from error
        return files

    def _origin(self, recipe: Recipe) -> SourceType:
        """Painted throughout, unless it began with a picture of which that isn't known."""
        if recipe.image is None:
            return SourceType.TRAINED
        stored = self._uploads and marks_in(self._uploads.path(recipe.image)).source_type
        return stored or SourceType.COMPOSITE

    def _marks(self, origin: SourceType, text: str) -> PictureMarks:
        match self.metadata:
            case "full":
                return PictureMarks(source_type=origin, parameters=text)
            case "minimal":
                return PictureMarks(source_type=origin)
            case "none":
                return PictureMarks()

    def delete(self, files: list[Path] | tuple[Path, ...]) -> None:
        """Delete the files that exist."""
        for file in files:
            file.unlink(missing_ok=True)


def parameters(recipe: Recipe, seed: int) -> str:
    """The text chunk of the picture that `recipe` paints from `seed`."""
    lines = [with_adapters(recipe.prompt, recipe.adapters)]
    if recipe.negative_prompt:
        lines.append(NEGATIVE_PREFIX + recipe.negative_prompt)
    lines.append(
        f"Steps: {recipe.num_inference_steps}, Sampler: {SAMPLERS[recipe.scheduler]}, "
        f"CFG scale: {recipe.guidance_scale:g}, Seed: {seed}, "
        f"Size: {recipe.width}x{recipe.height}, Model: {recipe.model}, "
        + (f"Denoising strength: {recipe.strength:g}, " if recipe.image else "")
        + (
            f"Hires upscale: {recipe.enlarged}, Hires upscaler: {_upscaler(recipe)}, "
            if recipe.enlarged > 1
            else ""
        )
        + _process(recipe)
        + _control(recipe)
        + ("Tiling: True, " if recipe.tile else "")
        + (f"Chaos: {recipe.chaos}, " if recipe.chaos else "")
        + ("Speed: quick, " if recipe.quick else "")
        + "Version: Atelier"
    )
    return "\n".join(lines)


def _upscaler(recipe: Recipe) -> str:
    process = recipe.process
    return process.network if process and process.kind is ProcessKind.UPSCALE else "Lanczos"


def _process(recipe: Recipe) -> str:
    """What was done with the picture, but for enlarging it."""
    match recipe.process:
        case Process(kind=ProcessKind.BACKGROUND, network=network):
            return f"Background removed: {network}, "
        case Process(region=Region(parts=parts, strength=strength)):
            return f"Detail parts: {' '.join(map(str, parts))}, Detail strength: {strength:g}, "
    return ""


def _control(recipe: Recipe) -> str:
    """As the ControlNet extension of the web interface writes it."""
    control = recipe.control
    if control is None:
        return ""
    return (
        f'ControlNet 0: "Module: {control.kind}, Model: {control.network}, '
        f"Weight: {control.strength:g}, Guidance Start: {control.start:g}, "
        f'Guidance End: {control.end:g}", '
    )


def read_request(file: Path) -> ImageRequest:
    """The request that paints the picture in `file` again.

    Raises:
        InvalidRequest: When the file isn't a picture, or has no settings.
    """
    try:
        with Image.open(file) as image:
            text = image.info.get(PARAMETERS)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidRequest(say("{file} can't be read as a picture.", file=file.name)) from error
    if not isinstance(text, str):
        raise InvalidRequest(say("{file} contains no settings.", file=file.name))
    return parse_parameters(text)


def read_pixels(file: Path) -> Pixels:
    """The pixels of the picture in `file`, one of ours. Blocks: call it on a thread.

    Raises:
        InvalidRequest: When the file is gone or damaged.
    """
    try:
        with Image.open(file) as image:
            return Pixels.of(image)
    except (OSError, SyntaxError) as error:
        raise InvalidRequest(say(GONE)) from error


def _enlarged(picture: Pixels, factor: int) -> Image.Image:
    image = picture.image()
    if factor == 1:
        return image
    size = (picture.width * factor, picture.height * factor)
    return image.resize(size, Image.Resampling.LANCZOS)
