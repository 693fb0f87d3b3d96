"""The card of a training whose pictures are being collected, with what it would take."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from cogs.messages.encodings import Upload
from cogs.train.cards import TrainingCard, author_line, heading
from engine import (
    MAX_TRAINING_PICTURES,
    MIN_TRAINING_PICTURES,
    CollectedPicture,
    Training,
    TrainingKind,
    thumbnail,
)
from speech import say, say_many

log = logging.getLogger(__name__)

SHOWN = 10
"""Pictures in a message; Discord allows no more."""

THUMBNAIL_SIDE = 320
"""Pixels of a thumbnail's longer side."""


async def collecting_card(
    training: Training, plan: Sequence[str], *, agreed: bool, threads: bool, thread: int
) -> tuple[TrainingCard, Sequence[Upload]]:
    """The card, with thumbnails of the newest pictures.

    Args:
        training: The training.
        plan: What it would take, in lines; shown once there are enough pictures.
        agreed: Whether its owner has said that the person in the pictures agreed.
        threads: Whether pictures can be posted in a thread.
        thread: That thread; 0 for none.
    """
    latest = training.pictures[-SHOWN:]
    uploads = await asyncio.to_thread(thumbnails, latest)
    by_name = {_name(picture): picture for picture in latest}
    lines = [heading(training), _count(training)]
    if thread:
        lines.append("🧵 " + say("Post the pictures in <#{id}>.", id=thread))
    ready = has_enough(training)
    if ready:
        lines += plan
    else:
        missing = MIN_TRAINING_PICTURES - len(training.pictures)
        lines.append(
            "➕ "
            + say_many(
                "Add at least {number} more picture.",
                "Add at least {number} more pictures.",
                missing,
            )
        )
    rights = say(
        "Use only pictures that you may use, and only of people who agreed. Nothing is used before "
        "you press Start. They are deleted if nothing is added for a week."
    )
    person = training.kind is TrainingKind.SUBJECT
    consent = ("agreed" if agreed else "agree",) if person else ()
    card = TrainingCard(
        training_id=training.id,
        state=training.state,
        text="\n".join([*lines, f"-# {rights}", author_line(training)]),
        pictures={upload.name: picture_label(by_name[upload.name], training) for upload in uploads},
        rows=(
            ("add", *(("thread",) if threads else ()), "view", "propose"),
            (*consent, "start", "cancel"),
        ),
        disabled=frozenset(
            {
                *(() if training.pictures else ("view", "propose")),
                *(() if ready and (agreed or not person) else ("start",)),
                *(("add", "thread") if len(training.pictures) >= MAX_TRAINING_PICTURES else ()),
            }
        ),
    )
    return card, uploads


def has_enough(training: Training) -> bool:
    """Whether there are pictures enough to start."""
    return len(training.pictures) >= MIN_TRAINING_PICTURES


def picture_label(picture: CollectedPicture, training: Training) -> str:
    """The number of a picture and what it shows, in plain text."""
    return f"{picture.number}: {picture.caption or training.trigger}"


def thumbnails(pictures: Sequence[CollectedPicture]) -> list[Upload]:
    """Small WebPs of those pictures that are still there. Blocks: call it in a thread."""
    return list(_thumbnails(pictures))


def thumbnail_name(picture: CollectedPicture) -> str:
    """The file name of a picture's thumbnail."""
    return _name(picture)


def _name(picture: CollectedPicture) -> str:
    return f"picture-{picture.number}.webp"


def _thumbnails(pictures: Sequence[CollectedPicture]) -> Iterator[Upload]:
    for picture in pictures:
        if (data := _thumbnail(picture.file)) is not None:
            yield Upload(_name(picture), data)


def _thumbnail(file: Path) -> bytes | None:
    try:
        return thumbnail(file, THUMBNAIL_SIDE)
    except (OSError, SyntaxError) as error:
        log.warning("%s can't be shown: %s", file, error)
        return None


def _count(training: Training) -> str:
    count = say_many("{number} picture", "{number} pictures", len(training.pictures))
    limits = say(
        "{least} to {most} are needed", least=MIN_TRAINING_PICTURES, most=MAX_TRAINING_PICTURES
    )
    captioned = sum(bool(picture.caption) for picture in training.pictures)
    parts = [count, limits, say("{number} with a caption", number=captioned)]
    return f"📥 {' · '.join(parts)}"
