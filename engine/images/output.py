"""Finished pictures on disk, with their settings embedded.

The `parameters` text chunk is that of the AUTOMATIC1111 web interface, which other tools also read:
the prompt, a line `Negative prompt: …`, and a line `Steps: …, Sampler: …, …`.
"""

import re
from io import BytesIO
from pathlib import Path

from PIL import Image, PngImagePlugin

from engine.atomic_write import write_whole
from engine.errors import InvalidRequest, StorageError
from engine.jobs.job import Job
from engine.jobs.request import MAX_CHAOS, ImageRequest, Recipe
from engine.prompts.grammar import with_adapters
from engine.worker.messages import Pixels
from speech import phrase, say

SAMPLERS = {
    "default": "Automatic",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "pndm": "PLMS",
    "euler": "Euler",
    "euler_karras": "Euler Karras",
    "euler_a": "Euler a",
    "heun": "Heun",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_karras": "DPM++ 2M Karras",
    "dpmpp_2m_exponential": "DPM++ 2M Exponential",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_karras": "DPM++ 2M SDE Karras",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_exponential": "DPM++ 3M SDE Exponential",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_karras": "DPM++ SDE Karras",
    "unipc": "UniPC",
    "deis": "DEIS",
    "lcm": "LCM",
    "tcd": "TCD",
}
"""That interface's names of our schedulers."""

NEGATIVE_PREFIX = "Negative prompt: "

FORMATS = ("PNG", "JPEG", "WEBP")
"""Formats that can have settings embedded."""

READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

MAX_PARAMETERS = 8000
"""The most characters of settings that are read: two long prompts and the settings' line."""

GONE = phrase(
    "This picture's file is gone, so nothing can be made from it. “Again” paints a new version."
)

SETTING = re.compile(r'([A-Z][\w ]*): ("[^"]*"|[^,]*)(?:, |$)')
"""One setting of the last line; a quoted value may contain commas."""


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


def parse_parameters(text: str) -> ImageRequest:
    """The request that a `parameters` chunk describes; what it doesn't say is left open."""
    *lines, last = text.strip().split("\n")
    if not last.startswith("Steps: "):
        lines, last = [*lines, last], ""
    negative_from = next(
        (i for i, x in enumerate(lines) if x.startswith(NEGATIVE_PREFIX)), len(lines)
    )
    negative = "\n".join(lines[negative_from:]).removeprefix(NEGATIVE_PREFIX)
    values = {key: value.strip('"') for key, value in SETTING.findall(last)}
    width, _, height = values.get("Size", "").partition("x")
    schedulers = {sampler: name for name, sampler in SAMPLERS.items()}
    sampler = values.get("Sampler", "")
    # Newer versions of that interface have the schedule in a setting of its own.
    with_schedule = f"{sampler} {values.get('Schedule type', '')}"
    return ImageRequest(
        prompt="\n".join(lines[:negative_from]),
        negative_prompt=negative,
        model=values.get("Model"),
        width=_whole(width),
        height=_whole(height),
        num_inference_steps=_whole(values.get("Steps", "")),
        guidance_scale=_number(values.get("CFG scale", "")),
        seed=_whole(values.get("Seed", "")),
        scheduler=schedulers.get(with_schedule, schedulers.get(sampler)),
        strength=_number(values.get("Denoising strength", "")),
        tile=values.get("Tiling") == "True",
        chaos=min(_whole(values.get("Chaos", "")) or 0, MAX_CHAOS),
    )


def settings_text(data: bytes) -> str | None:
    """The `parameters` in a picture: a PNG's text chunk, or the comment in the EXIF of others.

    Blocks: call it on a thread.

    Raises:
        InvalidRequest: When the bytes aren't a picture, or the settings are too long.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            text = image.info.get("parameters") or _user_comment(image)
    except READ_ERRORS as error:
        raise InvalidRequest(say("This file can't be read as a picture.")) from error
    if not isinstance(text, str) or not text.strip():
        return None
    if len(text) > MAX_PARAMETERS:
        raise InvalidRequest(
            say(
                "The embedded settings have {length} characters; the limit is {most}.",
                length=len(text),
                most=MAX_PARAMETERS,
            )
        )
    return text.strip()


def _user_comment(image: Image.Image) -> str | None:
    """The EXIF comment; the eight bytes before it give its encoding (Exif 2.32, 4.6.5)."""
    comment = image.getexif().get_ifd(0x8769).get(0x9286)
    if not isinstance(comment, bytes):
        return None
    if comment.startswith(b"UNICODE\0"):
        return comment[8:].decode("utf-16-be", "replace")
    return comment.removeprefix(b"ASCII\0\0\0").decode("ascii", "replace").strip("\0")


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


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,10}", text) else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text) else None


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
