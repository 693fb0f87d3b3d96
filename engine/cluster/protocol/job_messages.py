"""Jobs as messages, and back. What goes out says what to paint, not who asked for it, nor where."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

from engine.cluster.protocol.messages import Paint, WorkOn
from engine.cluster.protocol.parts import FileRef, Role
from engine.devices.messages import ProcessPicture, RunJob
from engine.jobs.job import Job, JobState
from engine.jobs.recipe import Recipe
from engine.models.model import Model
from engine.models.networks import Network

FindLora = Callable[[str], Path]
"""From a LoRA's name to its file; may block, and raise `AtelierError`."""

NOT_PAINTED = frozenset({"draft_of"})
"""Fields of a recipe that don't matter to its pictures."""


class NeededFile(NamedTuple):
    """A file that a job needs: its role, its name in the recipe, and where it is here."""

    role: Role
    name: str
    file: Path


def needed_files(command: RunJob | ProcessPicture, lora: FindLora) -> Iterator[NeededFile]:
    """The files that a worker has to be sent for a job. Blocks; raises `AtelierError`."""
    if isinstance(command, ProcessPicture):
        yield NeededFile("image", command.image.name, command.image)
        return
    single: list[tuple[Role, Path | None]] = [
        ("image", command.image),
        ("mask", command.mask),
        ("control", command.control),
    ]
    for role, file in single:
        if file is not None:
            yield NeededFile(role, file.name, file)
    for file in command.references:
        yield NeededFile("reference", file.name, file)
    for use in command.job.recipe.adapters:
        yield NeededFile("lora", use.name, lora(use.name))


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says besides the usual values, as plain values for msgpack."""
    values = asdict(recipe)
    return {
        field.name: values[field.name]
        for field in fields(Recipe)
        if field.name not in NOT_PAINTED
        and (field.default is MISSING or getattr(recipe, field.name) != field.default)
    }


def recipe_of(values: Mapping[str, Any]) -> Recipe:
    """The recipe of a message.

    Raises:
        ValueError: When a value isn't of its kind, or this version doesn't know it: leaving out
            what is unknown would paint something else.
    """
    try:
        return Recipe.from_json(dict(values))
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(str(error)) from error


def paint_message(
    command: RunJob | ProcessPicture,
    *,
    epoch: str,
    lease: int,
    digest: str,
    files: list[FileRef],
    number: int = 0,
) -> Paint | WorkOn:
    """The message that has a worker paint a job.

    Args:
        command: The job, as the worker's executor gets it.
        epoch: The meeting of the bot and the worker.
        lease: The number of this attempt.
        digest: What identifies the model or the network.
        files: The files that it needs.
        number: Which of the worker's cards is to do it.
    """
    values = recipe_values(command.job.recipe)
    if isinstance(command, RunJob):
        return Paint(
            epoch=epoch,
            lease=lease,
            number=number,
            recipe=values,
            model=digest,
            alone=command.alone,
            files=files,
        )
    return WorkOn(
        epoch=epoch,
        lease=lease,
        number=number,
        recipe=values,
        kind=command.network.kind,
        network=command.network.name if command.network.kind == "upscale" else "",
        hash=digest,
        file=files[0],
    )


def job_of(number: int, recipe: Recipe) -> Job:
    """A job as a worker has it: nobody's."""
    return Job(
        id=number,
        owner="",
        message_ref=None,
        recipe=recipe,
        state=JobState.RUNNING,
        created_at=0.0,
    )


def run_job(message: Paint, number: int, model: Model, files: Mapping[str, Path]) -> RunJob:
    """The command for the worker's executor.

    Args:
        message: What came.
        number: What the executor calls the job.
        model: The worker's own entry for the model.
        files: Where files are here, by their hashes.

    Raises:
        ValueError: As `recipe_of`.
    """

    def of_role(role: Role) -> list[Path]:
        return [files[each.hash] for each in message.files if each.role == role]

    def one(role: Role) -> Path | None:
        return next(iter(of_role(role)), None)

    return RunJob(
        job_of(number, recipe_of(message.recipe)),
        model,
        one("image"),
        one("mask"),
        tuple(of_role("reference")),
        one("control"),
        alone=message.alone,
    )


def process_picture(
    message: WorkOn, number: int, network: Network, files: Mapping[str, Path]
) -> ProcessPicture:
    """The command for the worker's executor. The arguments and errors are those of `run_job`."""
    job = job_of(number, recipe_of(message.recipe))
    return ProcessPicture(job, network, files[message.file.hash])
