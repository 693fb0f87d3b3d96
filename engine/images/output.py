"""Finished pictures on disk, with their settings embedded.

The `parameters` text chunk is that of the AUTOMATIC1111 web interface, which other tools also read:
the prompt, a line `Negative prompt: …`, and a line `Steps: …, Sampler: …, …`.
"""

from io import BytesIO
from pathlib import Path

from PIL import Image, PngImagePlugin

from engine.atomic_write import write_whole
from engine.errors import InvalidRequest, StorageError
from engine.images.metadata.a1111 import parse_parameters
from engine.images.metadata.reading import NEGATIVE_PREFIX
from engine.images.metadata.samplers import SAMPLERS
from engine.jobs.job import Job
from engine.jobs.request import ImageRequest, Recipe
from engine.prompts.grammar import with_adapters
from engine.worker.messages import Pixels
from speech import phrase, say

GONE = phrase(
    "This picture's file is gone, so nothing can be made from it. “Again” paints a new version."
)


class OutputFolder:
    """The folder of finished pictures. Its methods block: call them on a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, job: Job, pictures: tuple[Pixels, ...]) -> list[Path]:
        """Write the pictures of `job` as PNG, each completely or not at all.

        Raises:
            StorageError: When the disk is full or refuses.
        """
        files = []
        try:
            for i, (picture, seed) in enumerate(zip(pictures, job.recipe.seeds, strict=True)):
                file = self._folder / f"{job.id // 1000:03d}" / f"{job.id:06d}-{i + 1}.png"
                write_whole(file, _png(picture, parameters(job.recipe, seed), job.recipe.enlarged))
                files.append(file)
        except OSError as error:
            self.delete(files)
            raise StorageError(
                say("The picture couldn't be saved: {reason}.", reason=error.strerror)
            ) from error
        return files

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
            f"Hires upscale: {recipe.enlarged}, Hires upscaler: Lanczos, "
            if recipe.enlarged > 1
            else ""
        )
        + ("Tiling: True, " if recipe.tile else "")
        + (f"Chaos: {recipe.chaos}, " if recipe.chaos else "")
        + "Version: Atelier"
    )
    return "\n".join(lines)


def read_request(file: Path) -> ImageRequest:
    """The request that paints the picture in `file` again.

    Raises:
        InvalidRequest: When the file isn't a picture, or has no settings.
    """
    try:
        with Image.open(file) as image:
            text = image.info.get("parameters")
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
            return Pixels(image.width, image.height, image.convert("RGB").tobytes())
    except (OSError, SyntaxError) as error:
        raise InvalidRequest(say(GONE)) from error


def _png(picture: Pixels, text: str, enlarged: int) -> bytes:
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.data)
    if enlarged > 1:
        size = (picture.width * enlarged, picture.height * enlarged)
        image = image.resize(size, Image.Resampling.LANCZOS)
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", text)
    buffer = BytesIO()
    image.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
