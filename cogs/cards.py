"""Cards: what a job's message shows in each of its states, as Components V2."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from cogs.buttons import JobButton
from cogs.results import picture_rows
from engine import Job, JobEvent, JobState, Recipe

PREVIEW = "preview.webp"
"""Name under which a preview is attached."""

BAR = 12
"""Marks in a progress bar."""

COLOURS = {
    JobState.QUEUED: discord.Colour(0x8A8F98),
    JobState.RUNNING: discord.Colour(0xE0A030),
    JobState.PAINTED: discord.Colour(0x4F9D69),
    JobState.FAILED: discord.Colour(0xC0504D),
    JobState.CANCELLED: discord.Colour(0x8A8F98),
}


@dataclass(frozen=True, slots=True)
class Card:
    """The contents of a job's message; two equal cards look the same.

    Attributes:
        state: The state it shows.
        text: What it says, in Discord's Markdown.
        pictures: Names of the attached pictures to show, in order.
        alt: What the pictures show, for those who cannot see them.
        buttons: Which buttons it has, by their verbs.
        going_on: How many of the pictures have buttons of their own.
        enlarged: Whether they are as large as plain resizing makes them.
        job_id: The job that the buttons act on.
    """

    state: JobState
    text: str
    pictures: tuple[str, ...]
    alt: str
    buttons: tuple[str, ...]
    job_id: int
    going_on: int = 0
    enlarged: bool = False

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(self.text), accent_colour=COLOURS[self.state]
        )
        if self.pictures:
            items = [
                discord.MediaGalleryItem(f"attachment://{name}", description=self.alt)
                for name in self.pictures
            ]
            container.add_item(ui.MediaGallery(*items))
        if self.going_on:
            for buttons in picture_rows(self.job_id, self.going_on, enlarged=self.enlarged):
                container.add_item(buttons)
        if self.buttons:
            row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
            for verb in self.buttons:
                row.add_item(JobButton(verb, self.job_id))
            container.add_item(row)
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def waiting_card(job: Job, event: JobEvent, ready_at: float | None) -> Card:
    """The card of a queued or running job.

    Args:
        job: The job.
        event: The latest of it.
        ready_at: Epoch seconds at which it is expected to be done, if that is known. Discord
            counts down to it by itself, without an edit.
    """
    when = f" · ready <t:{int(ready_at)}:R>" if ready_at is not None else ""
    if event.state is JobState.QUEUED:
        place = f"{ordinal(event.position)} in line" if event.position else "in line"
        status = f"⏳ {place}{when}"
    elif event.step:
        status = f"🎨 {bar(event.step, event.total_steps)}{when}"
    else:
        status = f"🎨 painting{when}"
    return Card(
        state=event.state,
        text=f"{quoted(job.recipe.prompt)}\n{status}\n-# {byline(job)}",
        pictures=(PREVIEW,) if event.preview else (),
        alt="The picture so far",
        buttons=("cancel",),
        job_id=job.id,
    )


def result_card(job: Job, names: Sequence[str], origin: str = "") -> Card:
    """The card of a painted job.

    Args:
        job: The job.
        names: Under which its pictures are attached.
        origin: Where it comes from, if it goes on from a picture.
    """
    came_from = f" · {origin}" if origin else ""
    return Card(
        state=JobState.PAINTED,
        text=f"{quoted(job.recipe.prompt)}\n-# {byline(job)}{came_from}\n"
        f"-# {settings_line(job.recipe)}",
        pictures=tuple(names),
        alt=shortened(job.recipe.prompt, 200),
        buttons=("again", "star", "delete"),
        job_id=job.id,
        going_on=len(names),
        enlarged=job.recipe.enlarged > 1,
    )


def failed_card(job: Job, sentence: str) -> Card:
    """The card of a job that could not be painted or shown."""
    return _over(job, JobState.FAILED, f"⚠️ {sentence}")


def cancelled_card(job: Job) -> Card:
    """The card of a job that was called off."""
    return _over(job, JobState.CANCELLED, "Cancelled.")


def _over(job: Job, state: JobState, sentence: str) -> Card:
    return Card(
        state=state,
        text=f"{quoted(job.recipe.prompt)}\n{sentence}\n-# {byline(job)}",
        pictures=(),
        alt="",
        buttons=("again", "delete"),
        job_id=job.id,
    )


def bar(done: int, total: int) -> str:
    """A progress bar and its percentage."""
    marks = round(BAR * done / total)
    return f"{'▰' * marks}{'▱' * (BAR - marks)} {100 * done // total} %"


def settings_line(recipe: Recipe) -> str:
    """What made the pictures, in one line; enough to make them again."""
    parts = [
        recipe.model,
        f"{recipe.width}×{recipe.height}",
        f"{recipe.num_inference_steps} steps",
        f"guidance {recipe.guidance_scale:g}",
        recipe.scheduler,
        f"seed {recipe.seed}" + (f"–{recipe.seeds[-1]}" if recipe.count > 1 else ""),
    ]
    if recipe.enlarged > 1:
        parts.append(f"enlarged {recipe.enlarged}×")
    if recipe.image:
        parts.append(f"from a picture, strength {recipe.strength:g}")
    if recipe.adapters:
        loras = ", ".join(f"{use.name} {use.weight:g}" for use in recipe.adapters)
        parts.append("LoRA " + discord.utils.escape_markdown(loras))
    if recipe.negative_prompt:
        parts.append("without " + discord.utils.escape_markdown(shortened(recipe.negative_prompt)))
    return " · ".join(parts)


def byline(job: Job) -> str:
    """Whose job it is. `<@…>` shows a name; nobody is pinged, since mentions are switched off."""
    return f"<@{job.owner}> · job {job.id}"


def quoted(prompt: str) -> str:
    """The prompt as a heading that cannot break out of it."""
    return f"**{discord.utils.escape_markdown(shortened(prompt, 1000))}**"


def shortened(text: str, most: int = 300) -> str:
    """The text, cut to `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def ready_at(event: JobEvent, before: float | None) -> float | None:
    """When the job is expected to be done, steady enough not to cause edits of its own.

    Args:
        event: The latest of the job.
        before: What was said before; it stands while it is off by less than a fifth of the time
            left, or less than 3 s.
    """
    if event.seconds_left is None:
        return before
    now = time.time()
    after = now + event.seconds_left
    if before is not None and abs(after - before) < max(3.0, event.seconds_left / 5):
        return before
    return after
