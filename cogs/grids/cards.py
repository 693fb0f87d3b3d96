"""What a grid's message shows in each state of the grid, as Components V2."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import discord
from discord import ui

from cogs.grids.axis_kinds import translated_title
from cogs.grids.buttons import CellMenu, GridButton
from cogs.markdown import escaped_line, in_markdown, shortened_markdown
from cogs.messages.cards import COLOURS, queue_position, settings_line
from cogs.messages.text import progress_bar, quoted, shortened
from engine import Grid, GridLayout, GridProgress, Job, JobState, Studio
from speech import phrase, say, say_many

MAX_OPTIONS = 25
"""Discord's limit for a menu; the largest grid needs two."""

MAX_REASONS = 5
"""Failed cells whose errors the message shows."""

MAX_TEXT_LENGTH = 3900
"""Characters of a card; Discord allows 4000."""

MAX_ALT_LENGTH = 1000
"""Characters of an alternative text; Discord allows 1024."""

LATE_NOTICE = phrase(
    "This takes longer than I can keep updating this message. I'll send the grid to your DMs."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCard:
    """The contents of a grid's message; two equal cards look the same.

    Attributes:
        grid_id: The grid.
        state: The state of the grid.
        text: The text, in Discord's Markdown.
        picture: File name of the attached grid, if there is one.
        alt: Its alternative text for screen readers.
        spoilered: Whether it is hidden as a spoiler.
        buttons: The verbs of its buttons.
        cells: The labels of the cells that can be opened, by number.
    """

    grid_id: int
    state: JobState
    text: str
    picture: str | None = None
    alt: str = ""
    spoilered: bool = False
    buttons: tuple[str, ...] = ()
    cells: Mapping[int, str] = field(default_factory=dict)

    async def require_exists(self, studio: Studio) -> None:
        """Raise `UnknownJob` when the grid was deleted with its last picture."""
        await studio.grids.get(self.grid_id)

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(shortened_markdown(self.text, MAX_TEXT_LENGTH)),
            accent_colour=COLOURS[self.state],
        )
        if self.picture:
            item = discord.MediaGalleryItem(
                f"attachment://{self.picture}", description=self.alt, spoiler=self.spoilered
            )
            container.add_item(ui.MediaGallery(item))
        for page, options in enumerate(_pages(self.cells)):
            container.add_item(ui.ActionRow(CellMenu(self.grid_id, page, options)))
        if self.buttons:
            buttons = (GridButton(verb, self.grid_id) for verb in self.buttons)
            container.add_item(ui.ActionRow(*buttons))
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def _pages(cells: Mapping[int, str]) -> list[list[discord.SelectOption]]:
    """The options of each menu, spread evenly."""
    options = [
        discord.SelectOption(label=shortened(label, 100), value=str(number))
        for number, label in cells.items()
    ]
    pages = -(-len(options) // MAX_OPTIONS)
    size = -(-len(options) // max(1, pages))
    return [options[start : start + size] for start in range(0, len(options), size or 1)]


def waiting_grid_card(
    grid: Grid,
    prompt: str,
    progress: GridProgress,
    ready_at: float | None,
    editable_until: float | None = None,
) -> GridCard:
    """The card of a grid that isn't complete yet.

    Args:
        grid: The grid.
        prompt: The prompt of its first cell.
        progress: Its latest progress.
        ready_at: Epoch seconds at which it should be done, if known.
        editable_until: Epoch seconds after which the message can't be edited, if it expires.
    """
    if progress.started:
        count = say("{done} of {total}", done=progress.finished, total=progress.total)
        status = f"🎨 {progress_bar(round(100 * progress.share), 100)} · {count}"
    else:
        status = f"⏳ {queue_position(progress.position)}"
    if ready_at is not None:
        status += f" · {say('ready <t:{at}:R>', at=int(ready_at))}"
        if editable_until is not None and ready_at > editable_until:
            status += f"\n-# {say(LATE_NOTICE)}"
    return GridCard(
        grid_id=grid.id,
        state=JobState.RUNNING if progress.started else JobState.QUEUED,
        text=f"{quoted(prompt)}\n{status}\n-# {_author_line(grid)}",
        buttons=("cancel",),
    )


def expiring_grid_card(grid: Grid, prompt: str) -> GridCard:
    """The card of a grid whose message soon can't be edited any more."""
    return GridCard(
        grid_id=grid.id,
        state=JobState.RUNNING,
        text=f"{quoted(prompt)}\n📬 {say(LATE_NOTICE)}\n-# {_author_line(grid)}",
        buttons=("here", "cancel"),
    )


def complete_grid_card(
    grid: Grid,
    cells: Mapping[int, Job],
    picture: str,
    *,
    withheld: int = 0,
    spoilered: bool = False,
    legend: Sequence[tuple[str, str]] = (),
) -> GridCard:
    """The card of a complete grid with at least one picture to show.

    Args:
        grid: The grid.
        cells: Its jobs by cell, without deleted ones.
        picture: The file name of the attached grid.
        withheld: How many of its pictures are withheld.
        spoilered: Whether it is hidden as a spoiler.
        legend: The signs that are drawn for labels that can't be drawn, with these labels.
    """
    first = cells[min(cells)].recipe
    lines = [
        quoted(first.prompt),
        f"-# {_author_line(grid)}",
        f"-# {_common_settings(cells.values())}",
    ]
    if legend:
        signs = " · ".join(f"{sign} = {_escaped(label)}" for sign, label in legend)
        lines.append(f"-# {shortened_markdown(signs, 600)}")
    lines += _failure_lines(grid.layout, cells)
    if withheld:
        lines.append(f"🔒 {withheld_note(withheld)}")
    return GridCard(
        grid_id=grid.id,
        state=JobState.PAINTED,
        text="\n".join(lines),
        picture=picture,
        alt=shortened(_alt(grid.layout, first.prompt), MAX_ALT_LENGTH),
        spoilered=spoilered,
        buttons=("delete",),
        cells=_openable_cells(grid, cells),
    )


def empty_grid_card(
    grid: Grid, prompt: str, cells: Mapping[int, Job], sentence: str = ""
) -> GridCard:
    """The card of a grid without a picture to show; `sentence` says why if the cells don't."""
    state, reasons = JobState.FAILED, _failure_lines(grid.layout, cells)
    if sentence:
        reasons = [f"⚠️ {sentence}"]
    elif all(job.state is JobState.CANCELLED for job in cells.values()):
        state, reasons = JobState.CANCELLED, [say("Cancelled.")]
    return GridCard(
        grid_id=grid.id,
        state=state,
        text="\n".join([quoted(prompt), *reasons, f"-# {_author_line(grid)}"]),
        buttons=("delete",),
        cells=_openable_cells(grid, cells),
    )


def _openable_cells(grid: Grid, cells: Mapping[int, Job]) -> dict[int, str]:
    """The labels of the cells that have pictures."""
    painted = [number for number, job in sorted(cells.items()) if job.pictures]
    return {number: grid.layout.label(number, translated_title) for number in painted}


def withheld_note(number: int) -> str:
    """The sentence about withheld pictures."""
    return say_many(
        "{number} picture may not suit this channel and was withheld.",
        "{number} pictures may not suit this channel and were withheld.",
        number,
    )


def axis_titles(layout: GridLayout) -> str:
    """The axes of a grid, such as “guidance × seed”."""
    return " × ".join(translated_title(axis.title) for axis in layout.axes)


def _author_line(grid: Grid) -> str:
    number = say("grid {number}", number=grid.id)
    count = say_many("{number} picture", "{number} pictures", grid.layout.count)
    return f"<@{grid.owner}> · {number} · {count} · {_escaped(axis_titles(grid.layout))}"


def _common_settings(jobs: Iterable[Job]) -> str:
    """The settings that all cells have in common, in one line."""
    lines = [settings_line(job.recipe).split(" · ") for job in jobs]
    return " · ".join(part for part in lines[0] if all(part in line for line in lines))


def _failure_lines(layout: GridLayout, cells: Mapping[int, Job]) -> list[str]:
    """Why cells failed, and how many were cancelled."""
    failed = [(number, job) for number, job in sorted(cells.items()) if job.error]
    lines = [
        f"⚠️ {_escaped(layout.label(number, translated_title))}: "
        f"{shortened_markdown(in_markdown(job.error or ''), 300)}"
        for number, job in failed[:MAX_REASONS]
    ]
    if len(failed) > MAX_REASONS:
        lines.append(f"⚠️ {say('{number} more failed.', number=len(failed) - MAX_REASONS)}")
    if cancelled := sum(job.state is JobState.CANCELLED for job in cells.values()):
        count = say_many(
            "{number} picture was cancelled.", "{number} pictures were cancelled.", cancelled
        )
        lines.append(f"✖️ {count}")
    return lines


def _alt(layout: GridLayout, prompt: str) -> str:
    short_prompt = shortened(prompt, 200)
    columns = ", ".join(layout.columns.labels)
    if layout.rows.title:
        return say(
            "Comparison grid for “{prompt}”: {x} {columns} from left to right, {y} {rows} from "
            "top to bottom",
            prompt=short_prompt,
            x=translated_title(layout.columns.title),
            columns=columns,
            y=translated_title(layout.rows.title),
            rows=", ".join(layout.rows.labels),
        )
    return say(
        "Comparison grid for “{prompt}”: {x} {columns} from left to right",
        prompt=short_prompt,
        x=translated_title(layout.columns.title),
        columns=columns,
    )


def _escaped(text: str) -> str:
    return escaped_line(text, 200)
