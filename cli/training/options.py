"""What `train` is asked for, as typed, and the request that it means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from cli.errors import CommandError
from cli.exits import Exit
from engine import Model
from engine.training.defaults import default_request, with_changes, with_warmup
from engine.training.request import Kind, Optimizer, TrainingRequest
from engine.training.requests import check_values, checked_trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What to train, as typed; `given` has the fields of the request that have plain values."""

    folder: Path
    base: str | None = None
    name: str | None = None
    trigger: str | None = None
    kind: str = "subject"
    optimizer: str | None = None
    sample_prompts: tuple[str, ...] = ()
    class_prompt: str = ""
    class_pictures: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)


def name_of(options: TrainOptions) -> str:
    """Of the LoRA."""
    folder = re.sub(r"[^\w.-]+", "-", options.folder.resolve().name)
    return options.name or folder.strip("-.")[:50] or "lora"


def _given(options: TrainOptions) -> dict[str, Any]:
    """The fields of the request that were given."""
    given = {key: value for key, value in options.given.items() if value is not None}
    if options.class_prompt:
        given["class_prompt"] = options.class_prompt
        given["class_pictures"] = options.class_pictures
    return given


def fixed_fields(options: TrainOptions, before: TrainingRequest | None) -> frozenset[str]:
    """What the plan may not choose: what was given, and all of a training that goes on."""
    if before is not None:
        return frozenset(field.name for field in fields(TrainingRequest)) - {"checkpointing"}
    return frozenset(_given(options)) | ({"optimizer"} if options.optimizer else set())


def request_of(
    options: TrainOptions, model: Model, before: TrainingRequest | None
) -> TrainingRequest:
    """What was asked for, with what it was begun with, or is usual, where nothing was said.

    Raises:
        CommandError: There's no such kind or optimizer.
        InvalidRequest: A number or the trigger isn't allowed.
    """
    try:
        kind = Kind(options.kind)
        optimizer = Optimizer(options.optimizer) if options.optimizer else None
    except ValueError as error:
        kinds, names = ", ".join(Kind), ", ".join(Optimizer)
        raise CommandError(
            Exit.USAGE, f"{error}. Kinds are {kinds}; optimizers are {names}."
        ) from error
    name, given = name_of(options), _given(options)
    usual = default_request(model, name, kind, checked_trigger(options.trigger or name))
    if before is not None:
        usual = replace(before, kind=kind, trigger=usual.trigger, model=usual.model)
    if optimizer is not None:
        given["optimizer"] = optimizer
    request = with_changes(usual, given)
    check_values(request, model)
    return request if before is not None else with_warmup(request)
