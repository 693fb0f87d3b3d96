"""Cards: what a job's message shows in each of its states, as Components V2."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import discord
from discord import ui

from cogs.messages.buttons import JobButton
from cogs.messages.picture_buttons import picture_rows
from engine import Job, JobEvent, JobState, Recipe, Studio
from speech import phrase, say, say_many

PREVIEW = "preview.webp"
"""Name under which a preview is attached."""

BAR = 12
"""Marks in a progress bar."""

ORDINALS = {1: phrase("{number}st"), 2: phrase("{number}nd"), 3: phrase("{number}rd")}
OTHER_ORDINAL = phrase("{number}th")

COLOURS = {
    JobState.QUEUED: discord.Colour(0x8A8F98),
    JobState.RUNNING: discord.Colour(0xE0A030),
    JobState.PAINTED: discord.Colour(0x4F9D69),
    JobState.FAILED: discord.Colour(0xC0504D),
    JobState.CANCELLED: discord.Colour(0x8A8F98),
}


WITHHELD = phrase(
    "This may not be suitable for a channel that isn't age-restricted, so it was withheld. A "
    "moderator can view it with `/show` and release it."
)

TOO_LATE = phrase(
    "This takes longer than I can keep updating this message. I'll send it to your DMs, and "
    "it'll also be in `/history`."
)


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
        fillable: Whether their model can paint a part of a picture anew.
        job_id: The job that the buttons act on.
        covered: The places of the pictures that are hidden as spoilers.
    """

    state: JobState
    text: str
    pictures: tuple[str, ...]
    alt: str
    buttons: tuple[str, ...]
    job_id: int
    going_on: int = 0
    enlarged: bool = False
    fillable: bool = False
    covered: frozenset[int] = frozenset()

    async def require(self, studio: Studio) -> None:
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
                    f"attachment://{name}", description=self.alt, spoiler=place in self.covered
                )
                for place, name in enumerate(self.pictures)
            ]
            container.add_item(ui.MediaGallery(*items))
        if self.going_on:
            rows = picture_rows(
                self.job_id, self.going_on, enlarged=self.enlarged, fillable=self.fillable
            )
            for buttons in rows:
                container.add_item(buttons)
        if self.buttons:
            row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
            for verb in self.buttons:
                row.add_item(JobButton(verb, self.job_id))
            container.add_item(row)
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def waiting_card(
    job: Job, event: JobEvent, ready_at: float | None, until: float | None = None
) -> Card:
    """The card of a queued or running job.

    Args:
        job: The job.
        event: The latest of it.
        ready_at: Epoch seconds at which it is expected to be done, if that is known. Discord
            counts down to it by itself, without an edit.
        until: Epoch seconds at which the message can no more be changed, if there is such a time.
    """
    if event.state is JobState.QUEUED:
        status = f"⏳ {queue_position(event.position)}"
        if event.coming:
            status += f"\n⬇️ {download_progress(job.recipe.model, event.come)}"
    elif event.step:
        status = f"🎨 {bar(event.step, event.total_steps)}"
    else:
        status = f"🎨 {say('painting')}"
    if ready_at is not None:
        status += f" · {say('ready <t:{at}:R>', at=int(ready_at))}"
    if ready_at is not None and until is not None and ready_at > until:
        status += f"\n-# {say(TOO_LATE)}"
    return Card(
        state=event.state,
        text=f"{quoted(job.recipe.prompt)}\n{status}\n-# {author_line(job)}",
        pictures=(PREVIEW,) if event.preview else (),
        alt=say("Preview of the picture"),
        buttons=("cancel",),
        job_id=job.id,
    )


def expiring_card(job: Job, state: JobState) -> Card:
    """The card of a job that still waits while its message can soon be changed no more."""
    return Card(
        state=state,
        text=f"{quoted(job.recipe.prompt)}\n📬 {say(TOO_LATE)}\n-# {author_line(job)}",
        pictures=(),
        alt="",
        buttons=("here", "cancel"),
        job_id=job.id,
    )


def result_card(
    job: Job, names: Sequence[str], origin: str = "", *, fillable: bool = False
) -> Card:
    """The card of a painted job.

    Args:
        job: The job.
        names: Under which its pictures are attached.
        origin: Where it comes from, if it goes on from a picture.
        fillable: Whether its model can paint a part of a picture anew.
    """
    came_from = f" · {origin}" if origin else ""
    return Card(
        state=JobState.PAINTED,
        text=f"{quoted(job.recipe.prompt)}\n-# {author_line(job)}{came_from}\n"
        f"-# {settings_line(job.recipe)}",
        pictures=tuple(names),
        alt=shortened(job.recipe.prompt, 200),
        buttons=("again", "star", "delete"),
        job_id=job.id,
        going_on=len(names),
        enlarged=job.recipe.enlarged > 1,
        fillable=fillable,
    )


def failed_card(job: Job, sentence: str) -> Card:
    """The card of a job that could not be painted or shown."""
    return _over(job, JobState.FAILED, f"⚠️ {sentence}")


def withheld_card(job: Job) -> Card:
    """The card of a painted job whose pictures are not shown there until somebody releases them."""
    card = _over(job, JobState.PAINTED, f"🔒 {say(WITHHELD)}")
    return replace(card, buttons=("release", "again", "delete"))


def cancelled_card(job: Job) -> Card:
    """The card of a job that was called off."""
    return _over(job, JobState.CANCELLED, say("Cancelled."))


def _over(job: Job, state: JobState, sentence: str) -> Card:
    return Card(
        state=state,
        text=f"{quoted(job.recipe.prompt)}\n{sentence}\n-# {author_line(job)}",
        pictures=(),
        alt="",
        buttons=("again", "delete"),
        job_id=job.id,
    )


def bar(done: int, total: int) -> str:
    """A progress bar and its percentage."""
    marks = round(BAR * done / total)
    return f"{'▰' * marks}{'▱' * (BAR - marks)} {100 * done // total}%"


def settings_line(recipe: Recipe) -> str:
    """What made the pictures, in one line; enough to make them again."""
    if recipe.count > 1:
        seeds = say("seed {first}–{last}", first=recipe.seed, last=recipe.seeds[-1])
    else:
        seeds = say("seed {seed}", seed=recipe.seed)
    parts = [
        recipe.model,
        f"{recipe.width}×{recipe.height}",
        say_many("{number} step", "{number} steps", recipe.num_inference_steps),
        say("guidance {guidance:g}", guidance=recipe.guidance_scale),
        recipe.scheduler,
        seeds,
    ]
    if recipe.enlarged > 1:
        parts.append(say("upscaled {times}×", times=recipe.enlarged))
    if recipe.image:
        parts.append(say("start image, strength {strength:g}", strength=recipe.strength))
    if recipe.tile:
        parts.append(say("tile"))
    if recipe.chaos:
        parts.append(say("chaos {chaos}", chaos=recipe.chaos))
    if recipe.adapters:
        loras = ", ".join(f"{use.name} {use.weight:g}" for use in recipe.adapters)
        parts.append(say("LoRA {loras}", loras=discord.utils.escape_markdown(loras)))
    if recipe.negative_prompt:
        nots = discord.utils.escape_markdown(shortened(recipe.negative_prompt))
        parts.append(say("without {nots}", nots=nots))
    return " · ".join(parts)


def author_line(job: Job) -> str:
    """Whose job it is. `<@…>` shows a name; nobody is pinged, since mentions are switched off."""
    return f"<@{job.owner}> · {say('job {number}', number=job.id)}"


def quoted(prompt: str) -> str:
    """The prompt as a heading that cannot break out of it."""
    return f"**{discord.utils.escape_markdown(shortened(prompt, 1000))}**"


def shortened(text: str, most: int = 300) -> str:
    """The text, cut to `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    if number % 100 in (11, 12, 13):
        return say(OTHER_ORDINAL, number=number)
    return say(ORDINALS.get(number % 10, OTHER_ORDINAL), number=number)


def queue_position(position: int | None) -> str:
    """Where in the queue a job stands, if that is known."""
    if position is None:
        return say("in line")
    return say("{ordinal} in line", ordinal=ordinal(position))


def download_progress(model: str, come: float | None) -> str:
    """That the files of a model come first, and the share of them that is there, if known."""
    if come is None:
        return say("{model} is being downloaded", model=model)
    return say("{model} is being downloaded, {percent}%", model=model, percent=int(100 * come))


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return say("{number} s", number=max(1, round(seconds)))
    return say("{number} min", number=round(seconds / 60))


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
