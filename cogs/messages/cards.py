"""What a job's message shows in each state of the job, as Components V2."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import ui

from cogs.markdown import escaped_line
from cogs.messages.buttons import JobButton
from cogs.messages.control_map import ControlMap
from cogs.messages.looks import AMBER, GREEN, GREY, RED, ROW
from cogs.messages.picture_buttons import PictureButton, picture_row
from cogs.messages.text import ordinal, progress_bar, quoted, shortened
from engine import (
    CONTROL_NAMES,
    DEFAULT_SCHEDULER,
    Job,
    JobEvent,
    JobState,
    Parent,
    Process,
    ProcessKind,
    Recipe,
    Region,
    Studio,
)
from speech import join_list, phrase, say, say_many

PREVIEW = "preview.webp"
"""The file name of a preview."""

COLOURS = {
    JobState.QUEUED: GREY,
    JobState.RUNNING: AMBER,
    JobState.PAINTED: GREEN,
    JobState.FAILED: RED,
    JobState.CANCELLED: GREY,
}


WITHHELD = phrase(
    "This may not be suitable for a channel that isn't age-restricted, so it was withheld. A "
    "moderator can view it with `/show` and release it."
)

LATE_NOTICE = phrase(
    "This takes longer than I can keep updating this message. I'll send it to your DMs, and "
    "it'll also be in `/history`."
)


@dataclass(frozen=True, slots=True)
class Card:
    """The contents of a job's message; two equal cards look the same.

    Attributes:
        state: The state of the job.
        text: The text, in Discord's Markdown.
        pictures: File names of the attached pictures, in order.
        alt: The pictures' alternative text for screen readers.
        buttons: The verbs of its buttons.
        job_id: The job that the buttons act on.
        picture_count: How many pictures have buttons of their own.
        spoilered: The indices of the pictures that are hidden as spoilers.
        editable: Whether some model can edit the pictures by words.
        control_map: The attached map that they were painted along, if it is shown.
    """

    state: JobState
    text: str
    pictures: tuple[str, ...]
    alt: str
    buttons: tuple[str, ...]
    job_id: int
    picture_count: int = 0
    spoilered: frozenset[int] = frozenset()
    editable: bool = False
    control_map: ControlMap | None = None

    async def require_exists(self, studio: Studio) -> None:
        """Raise `UnknownJob` when the job was deleted."""
        await studio.job(self.job_id)

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(self.text), accent_colour=COLOURS[self.state]
        )
        if self.pictures:
            items = [
                discord.MediaGalleryItem(
                    f"attachment://{name}", description=self.alt, spoiler=index in self.spoilered
                )
                for index, name in enumerate(self.pictures)
            ]
            container.add_item(ui.MediaGallery(*items))
        if self.control_map is not None:
            container.add_item(self.control_map.section())
        if self.picture_count:
            row = picture_row(self.job_id, self.picture_count, editable=self.editable)
            container.add_item(row)
        if self.buttons:
            buttons: list[ui.Item[Any]] = [JobButton(verb, self.job_id) for verb in self.buttons]
            if self.picture_count == 1:
                buttons.append(PictureButton("more", Parent(self.job_id, 0)))
            for first in range(0, len(buttons), ROW):
                container.add_item(ui.ActionRow(*buttons[first : first + ROW]))
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def waiting_card(
    job: Job, event: JobEvent, ready_at: float | None, editable_until: float | None = None
) -> Card:
    """The card of a queued or running job.

    Args:
        job: The job.
        event: Its latest event.
        ready_at: Epoch seconds at which it should be done, if known. Discord counts down to it
            by itself, without edits.
        editable_until: Epoch seconds after which the message can't be edited, if it expires.
    """
    if event.state is JobState.QUEUED:
        status = f"⏳ {queue_position(event.position)}"
        if event.downloading:
            status += f"\n⬇️ {download_progress(job.recipe.model, event.downloaded)}"
    elif event.step:
        status = f"🎨 {progress_bar(event.step, event.total_steps)}"
    else:
        status = f"🎨 {say('painting')}"
    if ready_at is not None:
        status += f" · {say('ready <t:{at}:R>', at=int(ready_at))}"
    if ready_at is not None and editable_until is not None and ready_at > editable_until:
        status += f"\n-# {say(LATE_NOTICE)}"
    return Card(
        state=event.state,
        text=f"{quoted(job.recipe.prompt)}\n{status}\n-# {author_line(job)}",
        pictures=(PREVIEW,) if event.preview else (),
        alt=say("Preview of the picture"),
        buttons=("cancel",),
        job_id=job.id,
    )


def expiring_card(job: Job, state: JobState) -> Card:
    """The card of a waiting job whose message soon can't be edited any more."""
    return Card(
        state=state,
        text=f"{quoted(job.recipe.prompt)}\n📬 {say(LATE_NOTICE)}\n-# {author_line(job)}",
        pictures=(),
        alt="",
        buttons=("here", "cancel"),
        job_id=job.id,
    )


def result_card(job: Job, names: Sequence[str], parent_link: str = "") -> Card:
    """The card of a painted job.

    Args:
        job: The job.
        names: The file names of its attached pictures.
        parent_link: A link to the picture that it was made from, if there is one.
    """
    parent = f" · {parent_link}" if parent_link else ""
    first = ("properly",) if job.recipe.draft_of is not None else ()
    return Card(
        state=JobState.PAINTED,
        text=f"{quoted(job.recipe.prompt)}\n-# {author_line(job)}{parent}\n"
        f"-# {settings_line(job.recipe)}",
        pictures=tuple(names),
        alt=shortened(job.recipe.prompt, 200),
        buttons=(*first, "again", "star", "delete"),
        job_id=job.id,
        picture_count=len(names),
    )


def failed_card(job: Job, sentence: str) -> Card:
    """The card of a job that couldn't be painted or shown."""
    return _finished_card(job, JobState.FAILED, f"⚠️ {sentence}")


def withheld_card(job: Job) -> Card:
    """The card of a painted job whose pictures are withheld until a moderator releases them."""
    card = _finished_card(job, JobState.PAINTED, f"🔒 {say(WITHHELD)}")
    return replace(card, buttons=("release", "again", "delete"))


def cancelled_card(job: Job) -> Card:
    """The card of a cancelled job."""
    return _finished_card(job, JobState.CANCELLED, say("Cancelled."))


def _finished_card(job: Job, state: JobState, sentence: str) -> Card:
    return Card(
        state=state,
        text=f"{quoted(job.recipe.prompt)}\n{sentence}\n-# {author_line(job)}",
        pictures=(),
        alt="",
        buttons=("again", "delete"),
        job_id=job.id,
    )


def settings_line(recipe: Recipe) -> str:
    """The settings of the pictures in one line; enough to reproduce them."""
    if recipe.count > 1:
        seeds = say("seed {first}–{last}", first=recipe.seed, last=recipe.seeds[-1])
    else:
        seeds = say("seed {seed}", seed=recipe.seed)
    parts = [
        escaped_line(recipe.model),
        f"{recipe.width}×{recipe.height}",
        say_many("{number} step", "{number} steps", recipe.num_inference_steps),
        say("guidance {guidance:g}", guidance=recipe.guidance_scale),
        *([] if recipe.scheduler == DEFAULT_SCHEDULER else [recipe.scheduler]),
        seeds,
    ]
    if recipe.enlarged > 1:
        parts.append(say("upscaled {times}×", times=recipe.enlarged))
    parts.extend(_processed(recipe))
    if recipe.draft_of is not None:
        parts.append(say("draft for {model}", model=escaped_line(recipe.draft_of.model)))
    if recipe.image:
        parts.append(say("start image, strength {strength:g}", strength=recipe.strength))
    if recipe.references:
        count = len(recipe.references)
        parts.append(say_many("{number} reference picture", "{number} reference pictures", count))
    if recipe.control is not None:
        kind, strength = recipe.control.kind, recipe.control.strength
        parts.append(
            say("control: {kind} {strength:g}", kind=say(CONTROL_NAMES[kind]), strength=strength)
        )
    if recipe.tile:
        parts.append(say("tile"))
    if recipe.chaos:
        parts.append(say("chaos {chaos}", chaos=recipe.chaos))
    if recipe.quick:
        parts.append(say("painted in quick mode"))
    if recipe.adapters:
        loras = ", ".join(f"{use.name} {use.weight:g}" for use in recipe.adapters)
        parts.append(say("LoRA {loras}", loras=escaped_line(loras)))
    if recipe.negative_prompt:
        negative_prompt = escaped_line(recipe.negative_prompt, 300)
        parts.append(say("without {nots}", nots=negative_prompt))
    return " · ".join(parts)


def _processed(recipe: Recipe) -> Iterator[str]:
    """What was done with the finished picture, besides enlarging it, and by which upscaler."""
    match recipe.process:
        case Process(kind=ProcessKind.UPSCALE, network=network):
            yield escaped_line(network)
        case Process(kind=ProcessKind.BACKGROUND):
            yield say("background removed")
        case Process(region=Region(parts=parts)):
            yield say("details fixed in parts {parts}", parts=join_list([*map(str, parts)]))


def author_line(job: Job) -> str:
    """The job's owner and number. The mention shows a name but pings no one."""
    return f"<@{job.owner}> · {say('job {number}', number=job.id)}"


def queue_position(position: int | None) -> str:
    """A job's position in the queue, if known."""
    if position is None:
        return say("in line")
    return say("{ordinal} in line", ordinal=ordinal(position))


def download_progress(model: str, share: float | None) -> str:
    """The download of a model's files, with the share (0–1) that has been downloaded, if known."""
    if share is None:
        return say("{model} is being downloaded", model=escaped_line(model))
    return say(
        "{model} is being downloaded, {percent}%",
        model=escaped_line(model),
        percent=int(100 * share),
    )


def steady_ready_at(event: JobEvent, previous: float | None) -> float | None:
    """When the job should be done, in epoch seconds, without jitter that would cause edits.

    Args:
        event: The latest event of the job.
        previous: The previous estimate; it is kept while it is off by less than 3 s or a fifth
            of the time left.
    """
    if event.seconds_left is None:
        return previous
    estimate = time.time() + event.seconds_left
    if previous is not None and abs(estimate - previous) < max(3.0, event.seconds_left / 5):
        return previous
    return estimate
