"""Cards of sheets: what the message of a comparison sheet shows, as Components V2."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import discord
from discord import ui

from cogs.grids.axes import called
from cogs.grids.buttons import CellMenu, GridButton
from cogs.messages.cards import COLOURS, queue_position, settings_line
from cogs.messages.text import progress_bar, quoted, shortened
from engine import Grid, GridLayout, GridProgress, Job, JobState, Studio
from speech import phrase, resaid, say, say_many

MOST_OPTIONS = 25
"""Of one menu (Discord, "Select Menus"); the largest sheet takes two."""

MOST_REASONS = 5
"""Cells of which the message tells why they failed."""

LONGEST = 3900
"""Characters of a card: Discord takes 4000."""

LONGEST_ALT = 1000
"""Characters of what a screen reader says: Discord takes 1024."""

TOO_LATE = phrase(
    "This takes longer than I can keep updating this message. I'll send the grid to your DMs."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCard:
    """The contents of a sheet's message; two equal cards look the same.

    Attributes:
        grid_id: Which sheet.
        state: The state it shows.
        text: What it says, in Discord's Markdown.
        picture: Name of the attached sheet, if there is one.
        alt: What it shows, for those who cannot see it.
        spoilered: Whether it is hidden as a spoiler.
        buttons: Which buttons it has, by their verbs.
        cells: What the menus offer to be shown, by numbers.
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
        """Raise `UnknownJob` when the sheet was deleted, with its last picture."""
        await studio.grids.get(self.grid_id)

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(shortened(self.text, LONGEST)), accent_colour=COLOURS[self.state]
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
    pages = -(-len(options) // MOST_OPTIONS)
    size = -(-len(options) // max(1, pages))
    return [options[start : start + size] for start in range(0, len(options), size or 1)]


def awaiting_card(
    grid: Grid,
    prompt: str,
    progress: GridProgress,
    ready_at: float | None,
    editable_until: float | None = None,
) -> GridCard:
    """The card of a sheet that is not complete.

    Args:
        grid: The sheet.
        prompt: Of its first cell.
        progress: The latest of it.
        ready_at: Epoch seconds at which it is expected to be done, if that is known.
        editable_until: Epoch seconds at which the message can no longer be edited, if known.
    """
    if progress.started:
        count = say("{done} of {total}", done=progress.finished, total=progress.total)
        status = f"🎨 {progress_bar(round(100 * progress.share), 100)} · {count}"
    else:
        status = f"⏳ {queue_position(progress.position)}"
    if ready_at is not None:
        status += f" · {say('ready <t:{at}:R>', at=int(ready_at))}"
        if editable_until is not None and ready_at > editable_until:
            status += f"\n-# {say(TOO_LATE)}"
    return GridCard(
        grid_id=grid.id,
        state=JobState.RUNNING if progress.started else JobState.QUEUED,
        text=f"{quoted(prompt)}\n{status}\n-# {_byline(grid)}",
        buttons=("cancel",),
    )


def expiring_card(grid: Grid, prompt: str) -> GridCard:
    """The card of a sheet whose message can soon be changed no more."""
    return GridCard(
        grid_id=grid.id,
        state=JobState.RUNNING,
        text=f"{quoted(prompt)}\n📬 {say(TOO_LATE)}\n-# {_byline(grid)}",
        buttons=("here", "cancel"),
    )


def grid_card(
    grid: Grid,
    cells: Mapping[int, Job],
    picture: str,
    *,
    withheld: int = 0,
    spoilered: bool = False,
    key: Sequence[tuple[str, str]] = (),
) -> GridCard:
    """The card of a sheet that is complete, and of which something can be shown.

    Args:
        grid: The sheet.
        cells: Its jobs by their cells, those that were deleted aside.
        picture: Name under which it is attached.
        withheld: How many of its pictures are not shown.
        spoilered: Whether it is hidden as a spoiler.
        key: What is drawn for a label that cannot be, and the label.
    """
    first = cells[min(cells)].recipe
    lines = [quoted(first.prompt), f"-# {_byline(grid)}", f"-# {_common_settings(cells.values())}"]
    if key:
        signs = " · ".join(f"{sign} = {_plain(label)}" for sign, label in key)
        lines.append(f"-# {shortened(signs, 600)}")
    lines += _missing(grid.layout, cells)
    if withheld:
        lines.append(f"🔒 {withheld_note(withheld)}")
    return GridCard(
        grid_id=grid.id,
        state=JobState.PAINTED,
        text="\n".join(lines),
        picture=picture,
        alt=shortened(_alt(grid.layout, first.prompt), LONGEST_ALT),
        spoilered=spoilered,
        buttons=("delete",),
        cells=_painted(grid, cells),
    )


def empty_card(grid: Grid, prompt: str, cells: Mapping[int, Job], sentence: str = "") -> GridCard:
    """The card of a sheet of which nothing can be shown; `sentence` says why if the cells don't."""
    state, said = JobState.FAILED, _missing(grid.layout, cells)
    if sentence:
        said = [f"⚠️ {sentence}"]
    elif all(job.state is JobState.CANCELLED for job in cells.values()):
        state, said = JobState.CANCELLED, [say("Cancelled.")]
    return GridCard(
        grid_id=grid.id,
        state=state,
        text="\n".join([quoted(prompt), *said, f"-# {_byline(grid)}"]),
        buttons=("delete",),
        cells=_painted(grid, cells),
    )


def _painted(grid: Grid, cells: Mapping[int, Job]) -> dict[int, str]:
    """What can be looked at one by one."""
    painted = [number for number, job in sorted(cells.items()) if job.pictures]
    return {number: grid.layout.label(number, called) for number in painted}


def withheld_note(number: int) -> str:
    """That so many pictures are not shown."""
    return say_many(
        "{number} picture may not suit this channel and was withheld.",
        "{number} pictures may not suit this channel and were withheld.",
        number,
    )


def axis_titles(layout: GridLayout) -> str:
    """What changes on a sheet: “guidance × seed”."""
    return " × ".join(called(axis.title) for axis in layout.axes)


def _byline(grid: Grid) -> str:
    number = say("grid {number}", number=grid.id)
    count = say_many("{number} picture", "{number} pictures", grid.layout.count)
    return f"<@{grid.owner}> · {number} · {count} · {_plain(axis_titles(grid.layout))}"


def _common_settings(jobs: Iterable[Job]) -> str:
    """What all cells have in common, in one line."""
    lines = [settings_line(job.recipe).split(" · ") for job in jobs]
    return " · ".join(part for part in lines[0] if all(part in line for line in lines))


def _missing(layout: GridLayout, cells: Mapping[int, Job]) -> list[str]:
    """Why cells are empty, those that were called off in one line."""
    failed = [(number, job) for number, job in sorted(cells.items()) if job.error]
    lines = [
        f"⚠️ {_plain(layout.label(number, called))}: {shortened(resaid(job.error or ''), 300)}"
        for number, job in failed[:MOST_REASONS]
    ]
    if len(failed) > MOST_REASONS:
        lines.append(f"⚠️ {say('{number} more failed.', number=len(failed) - MOST_REASONS)}")
    if cancelled := sum(job.state is JobState.CANCELLED for job in cells.values()):
        called_off = say_many(
            "{number} picture was cancelled.", "{number} pictures were cancelled.", cancelled
        )
        lines.append(f"✖️ {called_off}")
    return lines


def _alt(layout: GridLayout, prompt: str) -> str:
    words = shortened(prompt, 200)
    columns = ", ".join(layout.columns.labels)
    if layout.rows.title:
        return say(
            "Comparison grid for “{prompt}”: {x} {columns} from left to right, {y} {rows} from "
            "top to bottom",
            prompt=words,
            x=called(layout.columns.title),
            columns=columns,
            y=called(layout.rows.title),
            rows=", ".join(layout.rows.labels),
        )
    return say(
        "Comparison grid for “{prompt}”: {x} {columns} from left to right",
        prompt=words,
        x=called(layout.columns.title),
        columns=columns,
    )


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(shortened(text, 200))
