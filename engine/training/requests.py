"""What a member's training is to do: what is usual, with what was asked for, within the limits."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from engine.errors import InvalidRequest
from engine.jobs.recipe_checks import within
from engine.models.model import Model
from engine.training.dataset.storage import TABLE, table_of
from engine.training.dataset.wording import with_trigger
from engine.training.defaults import (
    default_request,
    sample_prompts,
    with_changes,
    with_warmup,
)
from engine.training.request import MAX_RANK, MAX_SAMPLES, TrainingRequest
from engine.training.run_folder import RunFolder
from engine.training.training import Training
from speech import phrase, say

BOUNDS: Mapping[str, tuple[str, float, float]] = MappingProxyType(
    {
        "rank": (phrase("rank"), 1, MAX_RANK),
        "learning_rate": (phrase("learning rate"), 1e-7, 1.0),
        "text_encoder_rate": (phrase("learning rate of the text encoders"), 1e-7, 1.0),
        "batch": (phrase("batch"), 1, 16),
        "accumulate": (phrase("number of batches in a step"), 1, 64),
        "class_pictures": (phrase("number of pictures of the class"), 0, 200),
        "caption_dropout": (phrase("share of steps without a caption"), 0.0, 1.0),
        "sample_every": (phrase("number of steps between two samples"), 1, 100_000),
        "checkpoint_every": (phrase("number of steps between two checkpoints"), 1, 1000),
    }
)
"""What values mean to people, with the least and the most that they may be."""


MAX_TRIGGER = 200
"""Characters, as of any LoRA's trigger words."""


def checked_trigger(text: str) -> str:
    """The words on one line. Raises `InvalidRequest` when there are none or too many."""
    trigger = " ".join(text.split())
    if not 0 < len(trigger) <= MAX_TRIGGER:
        raise InvalidRequest(
            say("The trigger word must have 1 to {most} characters.", most=MAX_TRIGGER)
        )
    return trigger


def check_values(request: TrainingRequest, model: Model) -> None:
    """Raise `InvalidRequest` when a number isn't allowed."""
    within(say("size"), request.side, model.min_side, model.max_side)
    for name, (label, low, high) in BOUNDS.items():
        within(say(label), getattr(request, name), low, high)


def request_of(
    training: Training, model: Model, max_steps: int, changes: Mapping[str, Any]
) -> TrainingRequest:
    """What a training is to do.

    Args:
        training: With its pictures.
        model: That it is trained on.
        max_steps: The most steps that the owner of the program allows.
        changes: Attributes of the request that aren't to be as usual.

    Raises:
        InvalidRequest: When a value isn't allowed.
    """
    usual = default_request(model, training.name, training.kind, training.trigger)
    usual = replace(usual, steps=min(usual.steps, max_steps))
    request = with_changes(usual, changes)
    within(say("number of steps"), request.steps, 1, max_steps)
    check_values(request, model)
    captions = [caption for _, caption in captions_of(training) if caption]
    prompts = request.sample_prompts or sample_prompts(request, captions)
    return replace(with_warmup(request), sample_prompts=tuple(prompts)[:MAX_SAMPLES])


def captions_of(training: Training) -> list[tuple[str, str]]:
    """The names of a training's pictures, with their captions as they are learnt."""
    return [
        (picture.file.name, with_trigger(picture.caption, "", training.trigger))
        for picture in training.pictures
    ]


def write_dataset(training: Training, request: TrainingRequest) -> None:
    """Have the folder of a training ready for its process. Blocks; raises `StorageError`."""
    folder = RunFolder(training.folder)
    captions = dict(captions_of(training))
    folder.remove(*(file for file in folder.pictures.glob("*.png") if file.name not in captions))
    table = table_of((name, text, 1) for name, text in captions.items())
    folder.write(folder.pictures / TABLE, table)
    folder.write_request(request)
