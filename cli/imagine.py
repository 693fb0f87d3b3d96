"""`imagine`: paints a picture without Discord."""

import asyncio
import logging
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.logs import start_logging
from cli.settings import Settings
from cli.signals import on_signal
from cli.writable import nearest_folder, why_not_writable
from engine import (
    Control,
    ControlKind,
    EngineSettings,
    ImageRequest,
    Job,
    JobEvent,
    JobState,
    Model,
    ModelRules,
    Requester,
    StorageError,
    Studio,
    Tasks,
    added_adapters,
    added_models,
    expand_dynamic_prompt,
    open_studio,
    with_init_image,
    with_references,
    with_trigger_words,
    without_flags,
)
from engine.jobs.recipe import AdapterUse
from engine.local_paths import expanded
from engine.models.adapters import AdapterChoice
from engine.models.origins import disk_usage_of
from speech import say_many

LEAST_FREE = 10_000_000
"""Free bytes below which pictures can't be saved."""


class Inputs(NamedTuple):
    """What a request uses besides text and numbers.

    Attributes:
        image: File of the start image.
        mask: File of its mask.
        references: Files of the pictures that the model is shown beside the prompt.
        loras: NAME or NAME:WEIGHT each.
        control: File of the picture to paint along.
        control_type: Along what of it, as in `/imagine`.
        control_strength: How strictly.
        control_start: From which share of the steps on.
        control_end: Up to which share of the steps.
    """

    image: Path | None = None
    mask: Path | None = None
    references: Sequence[Path] = ()
    loras: Sequence[str] = ()
    control: Path | None = None
    control_type: str | None = None
    control_strength: float = 1.0
    control_start: float = 0.0
    control_end: float = 1.0


def imagine(settings: Settings, request: ImageRequest, inputs: Inputs, folder: Path | None) -> None:
    """Paint `request`, save the pictures in `folder` and print their paths.

    Uses a queue of its own, so it works while the bot is running.

    Raises:
        CommandError: When painting failed or was cancelled, or a file can't be read.
        AtelierError: When the request is invalid.
        StorageError: When `folder` isn't writable.
    """
    folder = expanded(folder) if folder else settings.storage.path / "imagine"
    _check_folder(folder)
    start_logging(logging.WARNING)
    with TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as scratch:
        asyncio.run(_paint(settings, request, inputs, Path(scratch), folder))


def _check_folder(folder: Path) -> None:
    """Check that pictures can be saved in `folder`, without creating it.

    Raises:
        StorageError: They can't; painting them would be in vain.
    """
    reason = why_not_writable(folder)
    if reason is None and shutil.disk_usage(nearest_folder(folder)).free < LEAST_FREE:
        reason = "the disk is full"
    if reason is not None:
        raise StorageError(f"The folder {folder} can't be used: {reason}.")


def _save(job: Job, pictures: Sequence[Path], folder: Path, seconds: float) -> None:
    """Move the pictures to `folder` and print their paths. Raises `StorageError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [
            Path(shutil.move(picture, _free_name(folder, job.recipe.prompt, seed)))
            for picture, seed in zip(pictures, job.recipe.seeds, strict=True)
        ]
    except OSError as error:
        raise StorageError(f"The folder {folder} can't be used: {error.strerror}.") from error
    for file, seed in zip(files, job.recipe.seeds, strict=True):
        out.print(f"{file}  seed {seed}  {seconds:.1f} s")


async def _paint(
    settings: Settings, typed: ImageRequest, inputs: Inputs, scratch: Path, folder: Path
) -> None:
    """Paint with a studio in `scratch`, one dynamic prompt after the other, and save in `folder`.

    All requests are checked before the first is painted.
    """
    stop = asyncio.Event()
    tasks = Tasks()
    with on_signal(stop.set):
        models = await added_models(settings.storage.path) | settings.models
        adapters = await added_adapters(settings.storage.path) | settings.adapters
        async with open_studio(
            settings.engine,
            models,
            scratch,
            adapters=adapters,
            extras=settings.storage.path,
            controls=settings.controls,
            maps=settings.maps,
            ip_adapters=settings.ip_adapters,
        ) as studio:
            prompts = expand_dynamic_prompt(typed.prompt)
            requests = [_with_flags(studio, replace(typed, prompt=one)) for one in prompts]
            requests = await _with_inputs(studio, requests, inputs)
            await asyncio.to_thread(_check_device, settings.engine)
            begun = time.monotonic()
            jobs = await studio.submit_all(requests, Requester(owner="imagine"))
            tasks.start(_cancel_at(stop, studio, jobs), "cancel")
            for number, job in enumerate(jobs, start=1):
                of = f" ({number} of {len(jobs)})" if len(jobs) > 1 else ""
                last = await _follow(studio, job, of)
                if last.state is JobState.CANCELLED:
                    raise CommandError(Exit.INTERRUPTED, "Cancelled.")
                if last.state is JobState.FAILED:
                    raise CommandError(
                        Exit.NOT_PAINTED, last.error or "The picture couldn't be painted."
                    )
                _save(job, last.pictures, folder, time.monotonic() - begun)
            await tasks.cancel()


def _check_device(settings: EngineSettings) -> None:
    """Raise `DeviceUnavailable` if the device isn't there. Imports torch, which takes seconds."""
    from engine.diffusion import Device

    Device.choose(settings)


async def _with_inputs(
    studio: Studio, requests: Sequence[ImageRequest], inputs: Inputs
) -> list[ImageRequest]:
    """The requests with the start image, the mask, the reference pictures and the LoRAs."""
    if any(one.strength is not None for one in requests) and inputs.image is None:
        raise CommandError(Exit.USAGE, "--strength needs a start image. Add --image.")
    image = await _kept(studio, inputs.image)
    mask = await _kept_mask(studio, inputs.mask, image)
    references = [await studio.init_images.keep(await _read(each)) for each in inputs.references]
    chosen = [_adapter(studio, text) for text in inputs.loras]
    adapters = tuple(AdapterUse(each.adapter.name, each.weight) for each in chosen)
    triggers = [each.trigger for each in chosen]
    complete = []
    for request in requests:
        model = _model_of(studio, request)
        if references:
            first = await studio.init_images.size(references[0])
            request = with_references(request, references, first, model)
        if image is not None:
            shape = await studio.init_images.size(image)
            request = with_init_image(request, image, mask, shape, model)
        prompt = with_trigger_words(request.prompt, triggers)
        complete.append(replace(request, prompt=prompt, adapters=adapters))
    return complete if inputs.control is None else await _with_control(studio, complete, inputs)


def _model_of(studio: Studio, request: ImageRequest) -> Model:
    return studio.models[request.model] if request.model else studio.models.default


async def _with_control(
    studio: Studio, requests: Sequence[ImageRequest], inputs: Inputs
) -> list[ImageRequest]:
    """The requests with the control picture, or with the map that is made of it."""
    kind, _, _ = (inputs.control_type or "").partition("-map")
    if kind not in list(ControlKind):
        raise CommandError(
            Exit.USAGE,
            "--control needs --control-type: pose, depth, edges, lines or tile; or pose-map, "
            "depth-map, edges-map or lines-map for a finished map.",
        )
    is_map = inputs.control_type != kind
    painted = [(request, _model_of(studio, request)) for request in requests]
    for _, model in painted:
        studio.control_maps.require(ControlKind(kind), model, ready=is_map)
    control = Control(
        image=await _kept(studio, inputs.control) or "",
        kind=ControlKind(kind),
        strength=inputs.control_strength,
        start=inputs.control_start,
        end=inputs.control_end,
    )
    control.check()
    return await studio.control_maps.applied_to(painted, control, ready=is_map)


def _with_flags(studio: Studio, request: ImageRequest) -> ImageRequest:
    """The request with the flags in its prompt applied."""
    prompt, flags = without_flags(request.prompt)
    if flags.pictures:
        raise CommandError(Exit.USAGE, "--sref and --oref only work on Discord. Use --reference.")
    name = request.model or flags.model
    model = studio.models[name] if name else studio.models.default
    request = flags.applied_to(replace(request, prompt=prompt), model)
    return ModelRules(studio.models, {}).drafted(request, model) if flags.draft else request


def _adapter(studio: Studio, text: str) -> AdapterChoice:
    """The LoRA of NAME, NAME:WEIGHT, or NAME+ with its trigger words."""
    name, colon, weight = text.removesuffix("+").rpartition(":")
    try:
        float(weight if colon and text not in studio.adapters else 1)
    except ValueError:
        raise CommandError(
            Exit.USAGE, f"--lora {text}: “{weight}” isn't a number. Write it like {name}:0.8."
        ) from None
    return studio.adapters.choose(text)


async def _kept(studio: Studio, file: Path | None) -> str | None:
    """Store the picture in `file`; its name in the studio."""
    return None if file is None else await studio.init_images.keep(await _read(file))


async def _kept_mask(studio: Studio, file: Path | None, image: str | None) -> str | None:
    """Store the mask in `file` for the picture `image`; its name in the studio."""
    if file is None:
        return None
    if image is None:
        raise CommandError(Exit.USAGE, "--mask needs a start image. Add --image.")
    return await studio.init_images.keep_mask(await _read(file), image)


async def _read(file: Path) -> bytes:
    try:
        return await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise CommandError(Exit.USAGE, f"{file} can't be read: {error.strerror}.") from error


async def _cancel_at(stop: asyncio.Event, studio: Studio, jobs: Sequence[Job]) -> None:
    await stop.wait()
    for job in jobs:
        await studio.cancel(job.id)


async def _follow(studio: Studio, job: Job, of: str = "") -> JobEvent:
    """Show the job's progress until it ends; its last event.

    Args:
        studio: Where it's painted.
        job: The job.
        of: Its place among several, as the end of what is shown.
    """
    model = studio.models[job.recipe.model]
    verb = "Downloading" if disk_usage_of(model).presence.downloads else "Loading"
    loading = f"{verb} {model.name}"
    painting = f"Painting with {model.name}{of}"
    last = JobEvent(job_id=job.id, state=JobState.QUEUED)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[steps]}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        bar = progress.add_task(loading, total=None, steps="")
        if progress.disable:
            err.print(loading)
        async for event in studio.watch(job.id):
            if event.step and not last.step and progress.disable:
                steps = say_many("{number} step", "{number} steps", event.total_steps)
                err.print(f"{painting}, {steps}")
            if event.downloaded is not None:
                progress.update(
                    bar,
                    description=f"Downloading {model.name}",
                    completed=event.downloaded,
                    total=1,
                )
            if event.downloading != last.downloading and not event.downloading:
                progress.update(bar, description=f"Loading {model.name}", total=None)
            if event.step:
                progress.update(
                    bar,
                    description=painting,
                    completed=event.step,
                    total=event.total_steps,
                    steps=f"step {event.step} of {event.total_steps}",
                )
            last = event
    return last


def _free_name(folder: Path, prompt: str, seed: int) -> Path:
    """A new file name made from the prompt and the seed."""
    words = re.sub(r"\W+", "-", prompt.lower())[:40].strip("-") or "picture"
    file = folder / f"{words}-{seed}.png"
    number = 1
    while file.exists():
        number += 1
        file = folder / f"{words}-{seed}-{number}.png"
    return file
