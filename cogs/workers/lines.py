"""What is said of a worker."""

from collections.abc import Iterator

from cogs.markdown import escaped_line
from engine import Worker, WorkerDoing, human_size
from speech import join_list, phrase, say, say_many

DOING: dict[WorkerDoing, tuple[str, str]] = {
    WorkerDoing.PAINTING: ("🎨", phrase("painting")),
    WorkerDoing.IDLE: ("🟢", phrase("idle")),
    WorkerDoing.TRAINING: ("🎓", phrase("lent to a training")),
    WorkerDoing.PAUSED: ("⏸️", phrase("paused")),
    WorkerDoing.AWAY: ("🔌", phrase("away")),
}
"""Emoji and words."""

MOST_LACKING, MOST_OF_A_MODEL = 2, 20
"""Models that are named which a worker lacks, and characters of each."""

MOST_OF_A_NAME, MOST_OF_A_REASON = 60, 120
"""Characters that are shown of what other machines say."""


def worker_lines(worker: Worker) -> Iterator[str]:
    """The worker's name, what it does, and how much it has painted."""
    emoji, _ = DOING[worker.doing]
    name = f"{emoji} **{escaped_line(worker.name)}**"
    card = escaped_line(worker.card, MOST_OF_A_NAME) if worker.card else ""
    yield f"{name} · {card}" if card else name
    yield " · ".join(_doing(worker))
    yield f"-# {' · '.join(_figures(worker))}"
    if worker.lacking:
        names = [escaped_line(name, MOST_OF_A_MODEL) for name in worker.lacking[:MOST_LACKING]]
        shown = join_list([*names, "…"] if len(worker.lacking) > MOST_LACKING else names)
        yield f"-# {say('lacks {models}; its log says how to get them', models=shown)}"


def _doing(worker: Worker) -> Iterator[str]:
    if worker.doing is WorkerDoing.AWAY:
        yield say("away, last here {when}", when=f"<t:{int(worker.seen_at)}:R>")
        if worker.paused_here:
            yield say("paused by you")
    elif worker.doing is WorkerDoing.PAUSED:
        yield from _pauses(worker)
    else:
        yield say(DOING[worker.doing][1])
    if worker.jobs:
        yield say(
            "{jobs}, {pictures} of {most} side by side",
            jobs=say_many("{number} job", "{number} jobs", worker.jobs),
            pictures=say_many("{number} picture", "{number} pictures", worker.pictures),
            most=worker.batch_size,
        )
    if worker.model is not None:
        yield escaped_line(worker.model, MOST_OF_A_NAME)


def _pauses(worker: Worker) -> Iterator[str]:
    """Why it's paused; there may be two reasons."""
    if worker.paused_here:
        yield say("paused by you")
    if worker.pause == "paused":
        yield say("paused by its own owner")
    elif worker.pause == "busy card":
        yield say("paused while its card is busy with something else")
    elif worker.pause == "disk full":
        yield say("paused because its disk is full")
    elif worker.pause and worker.local:
        reason = escaped_line(worker.pause, MOST_OF_A_REASON)
        yield say("can't be used: {reason}", reason=reason)
    elif worker.pause:
        program = escaped_line(worker.pause, MOST_OF_A_NAME)
        yield say("paused while {program} runs on its machine", program=program)


def _figures(worker: Worker) -> Iterator[str]:
    if worker.step_seconds is not None and worker.step_size is not None:
        width, height = worker.step_size
        seconds = f"{worker.step_seconds:.3g}"
        size = f"{width} × {height}"
        yield say("{seconds} s a step at {size}", seconds=seconds, size=size)
    pictures = say_many("{number} picture", "{number} pictures", worker.pictures_last_day)
    yield say("{pictures} in the last day", pictures=pictures)
    if worker.memory:
        used = human_size(sum(one.used_bytes for one in worker.memory))
        total = human_size(sum(one.total_bytes for one in worker.memory))
        yield say("{used} of {total} of memory taken", used=used, total=total)
    if worker.program:
        yield say("Atelier {version}", version=escaped_line(worker.program, 20))
