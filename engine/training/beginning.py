"""Begins a training, or goes on with one: its folder, with its pictures and what was asked for."""

from dataclasses import fields
from pathlib import Path

from engine.errors import InvalidRequest
from engine.models.names import check_name
from engine.training.dataset.reading import Dataset
from engine.training.dataset.storage import copy_dataset, is_copied
from engine.training.request import TrainingRequest
from engine.training.run_folder import RunFolder
from speech import join_list, say

FOLDER = "training"
"""In the data folder: a folder for each training. Their names have a word in front, so that none is
“..” or a device on Windows."""


def run_folder(data: Path, name: str) -> RunFolder:
    """The folder of the training of that name; it need not exist.

    Raises:
        InvalidModel: It can't be a name.
    """
    check_name(name)
    return RunFolder(data / FOLDER / f"lora-{name.casefold()}")


def begin(folder: RunFolder, request: TrainingRequest, dataset: Dataset) -> None:
    """Have a training's folder ready: a new one, or one that was begun with the same request.

    The pictures are copied, so that it can go on when they are gone. Blocks.

    Raises:
        InvalidRequest: One of that name was begun with other settings, pictures or captions.
        StorageError: The folder can't be written.
    """
    before = folder.read_request()
    if before is not None and not request.same_course(before):
        changed = [
            field.name.replace("_", " ")
            for field in fields(TrainingRequest)
            if getattr(before, field.name) != getattr(request, field.name)
        ]
        raise InvalidRequest(
            say(
                "The training “{name}” was begun with other settings: {changed}. Go on with those, "
                "or choose another name.",
                name=request.name,
                changed=join_list(tuple(changed)),
            )
        )
    if not folder.pictures.exists():
        copy_dataset(dataset, folder.pictures)
    elif not is_copied(dataset, folder.pictures):
        raise InvalidRequest(
            say(
                "The pictures or captions of “{name}” have changed since its training was begun. "
                "Go on with the old ones, or choose another name.",
                name=request.name,
            )
        )
    folder.write_request(request)
