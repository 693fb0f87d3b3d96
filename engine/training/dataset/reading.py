"""Reads what a LoRA is trained on: a folder of pictures with or without captions.

The layouts are those of the common trainers: captions in a text beside each picture,
`metadata.jsonl` or `metadata.csv` of Hugging Face's ImageFolder, which Diffusers' scripts read
(https://huggingface.co/docs/datasets/image_dataset), and kohya's folders such as `10_trigger class`
(https://github.com/kohya-ss/sd-scripts).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.training.dataset.captions import Captions, read_captions
from engine.training.dataset.duplicates import look_alikes
from engine.training.dataset.errors import InvalidDataset
from engine.training.dataset.files import DatasetFiles, find_files
from engine.training.dataset.looks import Look, decoded, look_at, read_file
from engine.training.dataset.names import alike, named
from engine.training.dataset.wording import folder_of, with_trigger
from speech import join_sentences, say, say_many

ENOUGH = 6
"""Pictures; trainers advise 6 to 10 for a subject (https://github.com/ostris/ai-toolkit/issues/550)."""

MIN_SIDE = 64
"""Pixels of the shorter side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPicture:
    """One picture of a dataset.

    Attributes:
        file: Where it is.
        caption: What it shows, on one line, with the trigger word.
        width: In pixels, when it's upright.
        height: In pixels, when it's upright.
        repeats: How often it is shown in an epoch.
    """

    file: Path
    caption: str
    width: int
    height: int
    repeats: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a LoRA is trained on.

    Attributes:
        pictures: In the order of their names.
        warnings: What isn't used, or won't be learnt well, in sentences for people.
    """

    pictures: tuple[TrainingPicture, ...]
    warnings: tuple[str, ...]


def read_dataset(folder: Path, trigger: str, *, side: int) -> Dataset:
    """The pictures of a folder and those below it, all decoded once. Blocks.

    Args:
        folder: Where they are; nothing outside of it is read.
        trigger: The word that stands for what is learnt. Captions without it get it in front.
        side: Resolution of the training, in pixels.

    Raises:
        InvalidDataset: When nothing can be trained on it.
    """
    files = find_files(folder)
    if not files.pictures:
        none = say(
            "There are no pictures in {folder}. Put PNG, JPEG or WebP files there.", folder=folder
        )
        raise InvalidDataset(join_sentences(none, *files.warnings))
    seen = {name: look_at(folder / name) for name in files.pictures}
    good = {name: look for name, look in seen.items() if look and look.shorter >= least(side)}
    left_out = tuple(_left_out(seen, least(side)))
    if not good:
        none = say("None of the pictures in {folder} can be used.", folder=folder)
        raise InvalidDataset(join_sentences(none, *files.warnings, *left_out))
    groups = look_alikes({name: look.fingerprint for name, look in good.items()})
    if len(groups) == 1 < len(good):
        raise InvalidDataset(say("All pictures look the same. Add others."))
    captions = read_captions(files)
    return Dataset(
        pictures=tuple(_pictures(files, good, captions, " ".join(trigger.split()))),
        warnings=(
            *files.warnings,
            *left_out,
            *captions.warnings,
            *_doubts(good, groups, captions, side),
        ),
    )


def open_picture(picture: TrainingPicture) -> Image.Image:
    """The picture upright, in RGB, with white where it's transparent. Blocks.

    Raises:
        InvalidDataset: When its file is gone or damaged.
    """
    return decoded(read_file(picture.file), picture.file)


def least(side: int) -> int:
    """Pixels that the shorter side of a picture has to have to be trained at `side`."""
    return max(MIN_SIDE, side // 4)


def _pictures(
    files: DatasetFiles, good: Mapping[str, Look], captions: Captions, trigger: str
) -> Iterator[TrainingPicture]:
    for name, look in good.items():
        caption = captions.by_picture.get(name)
        repeats, words = folder_of(files.folder, name)
        yield TrainingPicture(
            file=files.folder / name,
            caption=with_trigger(caption.text if caption else "", words, trigger),
            width=look.width,
            height=look.height,
            repeats=caption.repeats if caption and caption.repeats else repeats,
        )


def _left_out(seen: Mapping[str, Look | None], least: int) -> Iterator[str]:
    if damaged := [name for name, look in seen.items() if look is None]:
        yield say(
            "These pictures are damaged or too large, and are left out: {names}.",
            names=named(damaged),
        )
    if small := [name for name, look in seen.items() if look and look.shorter < least]:
        yield say(
            "These pictures have a side below {least} pixels, and are left out: {names}.",
            least=least,
            names=named(small),
        )


def _doubts(
    good: Mapping[str, Look], groups: list[list[str]], captions: Captions, side: int
) -> Iterator[str]:
    """What will be learnt, but not well."""
    if len(good) < ENOUGH:
        yield say_many(
            "A single picture is copied rather than learnt. Use {enough} or more.",
            "{number} pictures are few to learn from. Use {enough} or more.",
            len(good),
            enough=ENOUGH,
        )
    if same := [group for group in groups if len(group) > 1]:
        yield say(
            "These pictures look the same: {names}. Keep one of each, or they count for more.",
            names=alike(same),
        )
    if small := [name for name, look in good.items() if look.width * look.height * 2 < side**2]:
        yield say(
            "These pictures have less than half of the pixels of {side}×{side}. They are trained "
            "in a smaller size: {names}.",
            side=side,
            names=named(small),
        )
    without = [name for name in good if not _has_text(captions, name)]
    if captions.by_picture and without:
        yield say(
            "These pictures have no caption and are learnt by the trigger word: {names}.",
            names=named(without),
        )


def _has_text(captions: Captions, name: str) -> bool:
    caption = captions.by_picture.get(name)
    return caption is not None and bool(caption.text)
