"""`train`: reads the pictures, shows the plan, trains, and adds the LoRA."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import bot_is_running
from cli.loras import LoraOptions, add_lora, lora_source
from cli.models.catalogue import catalogue_of
from cli.program import program
from cli.settings import Settings
from cli.signals import on_signal
from cli.training.options import TrainOptions, fixed_fields, name_of, request_of
from cli.training.progress import TrainingDisplay
from engine import (
    InvalidModel,
    InvalidRequest,
    Model,
    ModelUnavailable,
    UnknownModel,
    human_size,
)
from engine.local_paths import exists
from engine.memory.profiles import ProfileStore
from engine.models.added import DATABASE
from engine.models.inspection import inspect
from engine.models.origins import disk_usage_of, origin_of
from engine.sizes import size_of
from engine.store import Database, MeasurementTable
from engine.training.bases import base_of, require_encoders, require_trainable
from engine.training.beginning import begin, run_folder
from engine.training.dataset.errors import InvalidDataset
from engine.training.dataset.reading import Dataset, read_dataset
from engine.training.defaults import sample_prompts
from engine.training.messages import Kept, Pause, TrainingFailed, TrainingReport
from engine.training.plan import TrainingPlan
from engine.training.planning import PlanQuestion, planned
from engine.training.request import MAX_SAMPLES
from engine.training.run_folder import RunFolder
from engine.training.runner import start_runner
from engine.training.setup import TrainingSetup


def train(settings: Settings, options: TrainOptions, *, only_plan: bool) -> None:
    """Train a LoRA, or go on with one; Ctrl-C stops at a checkpoint.

    Raises:
        CommandError: It can't be trained, or was stopped.
        StorageError: When the data folder is unusable.
    """
    try:
        model = asyncio.run(catalogue_of(settings))[options.base or settings.engine.default_model]
        _require_here(model)
        origin = origin_of(model, allow_pickle=settings.engine.allow_pickle)
        require_trainable(model, inspect(origin))
        folder = run_folder(settings.storage.path, name_of(options))
        before = folder.read_request()
        request = request_of(options, model, before)
        if request.text_encoder:
            require_encoders(model)
        with err.status("Looking at the pictures"):
            dataset = read_dataset(options.folder, request.trigger, side=request.side)
        captions = tuple(picture.caption for picture in dataset.pictures)
        prompts = options.sample_prompts or sample_prompts(request, captions)
        request = replace(request, sample_prompts=prompts[:MAX_SAMPLES])
        picture_bytes = size_of(picture.file for picture in dataset.pictures)
        question = PlanQuestion(
            settings=settings.engine,
            model=model,
            request=request,
            fixed=fixed_fields(options, before),
            captions=captions,
            picture_bytes=picture_bytes,
            measured=asyncio.run(measured_steps(settings, model)),
            command=settings.training.command,
        )
        with err.status("Counting what a step takes"):
            plan = asyncio.run(planned(question))
        _describe(plan, dataset, model)
        if plan.problem is not None:
            raise CommandError(Exit.DOES_NOT_FIT, plan.problem)
        if only_plan:
            return
        request = plan.request
        begin(folder, request, dataset)
    except (InvalidModel, ModelUnavailable, UnknownModel) as error:
        raise CommandError(Exit.MODEL, str(error)) from error
    except (InvalidDataset, InvalidRequest) as error:
        raise CommandError(Exit.USAGE, str(error)) from error
    file = folder.result(request.name)
    taken = asyncio.run(lora_source(settings, request.name))
    if taken not in (None, str(file)):
        raise CommandError(
            Exit.USAGE, f"There's already a LoRA named “{request.name}”. Choose another --name."
        )
    setup = TrainingSetup(
        settings=settings.engine,
        model=model,
        base=base_of(model),
        request=request,
        folder=folder.path,
        command=settings.training.command,
    )
    if bot_is_running(settings.storage.path):
        err.print("The bot is running, too: both share the device, and both are slower.")
    asyncio.run(_train(setup, folder))
    if taken is None:
        added = LoraOptions(str(file), request.name, None, request.trigger)
        add_lora(settings, added, ask=False)
    paint = f'{program()} imagine "{request.trigger}" --lora {request.name}'
    out.print(f"Paint with it: {paint} --model {request.model}")


async def measured_steps(settings: Settings, model: Model) -> Mapping[tuple[int, int, int], float]:
    """Seconds of a step of painting, as the bot has measured them here."""
    file = settings.storage.path / DATABASE
    if not exists(file):
        return {}
    async with Database(file) as database:
        return ProfileStore(await MeasurementTable(database).all()).step_seconds(model.name)


def _require_here(model: Model) -> None:
    """Raise `CommandError` if a model isn't on this machine."""
    usage = disk_usage_of(model)
    if usage.presence.downloads:
        raise CommandError(
            Exit.MODEL,
            f"{model.name} isn't on this machine. Download it with: {program()} models add "
            f"{model.name}",
        )


def _describe(plan: TrainingPlan, dataset: Dataset, model: Model) -> None:
    request = plan.request
    shown = request.batch * request.accumulate
    out.print(f"{request.name}: a {request.kind} on {model.name}", style="bold")
    rows = {
        "pictures": str(len(dataset.pictures)),
        "trigger": request.trigger,
        "steps": f"{request.steps}, of {shown} picture{'s' * (shown > 1)} each, at "
        f"{request.side} × {request.side} pixels",
        "LoRA": f"rank {request.rank}, learning rate {request.learning_rate:g}, "
        f"{request.optimizer.value}",
        "trainer": None if plan.needs else "[training] command in the settings",
        "memory": plan.needs
        and f"{human_size(plan.peak_bytes)} of {human_size(plan.usable_bytes)}, "
        f"{human_size(plan.needs.ram)} of RAM",
        "disk": human_size(plan.disk_bytes),
        "time": _time(plan),
        "licence": model.licence.name if model.licence else None,
    }
    for label, text in rows.items():
        if text:
            out.print(f"  {label:<10}{text}")
    for measure in plan.measures:
        out.print(f"  {'':10}{measure}")
    for warning in dataset.warnings:
        err.print(f"! {warning}", style="yellow")


def _time(plan: TrainingPlan) -> str:
    if plan.total_seconds is None:
        return "shown after the first steps"
    return f"about {timedelta(seconds=round(plan.total_seconds))}"


async def _train(setup: TrainingSetup, folder: RunFolder) -> None:
    """Run the training to its end.

    Raises:
        CommandError: It was stopped, or can't go on.
    """
    ended: list[TrainingReport] = []
    begun = time.monotonic()
    with TrainingDisplay(setup.request, folder) as display:

        def take(report: TrainingReport) -> None:
            display.show(report)
            ended.append(report)

        process = start_runner(setup, take)
        with on_signal(lambda: process.send(Pause())):
            await process.wait()
    match ended[-1]:
        case Kept(final=True, file=file):
            minutes, seconds = divmod(round(time.monotonic() - begun), 60)
            out.print(f"✓ Trained in {minutes}:{seconds:02d}: {file}", style="green")
        case TrainingFailed(sentence):
            raise CommandError(Exit.NOT_PAINTED, sentence)
        case _:
            raise CommandError(
                Exit.INTERRUPTED,
                "Stopped. Run the same command to go on from the last checkpoint.",
            )
