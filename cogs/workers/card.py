"""A page of workers as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from discord import ui

from cogs.workers.buttons import WorkerButton
from cogs.workers.lines import worker_lines
from engine import Worker, WorkerDoing
from speech import say

PER_PAGE = 6
"""Workers on a page: with all that can be said of each they fill a message."""


@dataclass(frozen=True, slots=True)
class WorkersCard:
    """What a page shows; equal ones look the same.

    Attributes:
        heading: Its first lines.
        entries: The name, the text, and whether it's paused here, of each worker.
        page: Which page, from 0 on.
        pages: How many there are.
    """

    heading: str
    entries: tuple[tuple[str, str, bool], ...]
    page: int
    pages: int

    @classmethod
    def of(cls, workers: Sequence[Worker], page: int) -> "WorkersCard":
        """The page of that number; the last one if there are fewer."""
        pages = max(1, -(-len(workers) // PER_PAGE))
        page = min(page, pages - 1)
        shown = workers[page * PER_PAGE : (page + 1) * PER_PAGE]
        return cls(
            heading=_heading(workers),
            entries=tuple(
                (worker.name, "\n".join(worker_lines(worker)), worker.resumable) for worker in shown
            ),
            page=page,
            pages=pages,
        )

    def view(self, until: float) -> ui.LayoutView:
        """The components, for a page that is kept up to date until then (epoch seconds)."""
        container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay(self.heading))
        for name, text, resumable in self.entries:
            button = WorkerButton("resume" if resumable else "pause", self.page, name)
            container.add_item(ui.Section(text, accessory=button))
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        if self.page > 0:
            row.add_item(WorkerButton("back", self.page - 1))
        row.add_item(WorkerButton("look", self.page))
        if self.page + 1 < self.pages:
            row.add_item(WorkerButton("on", self.page + 1))
        container.add_item(row)
        current = say("Kept up to date until {time}", time=f"<t:{int(until)}:t>")
        container.add_item(ui.TextDisplay(f"-# {current}"))
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def _heading(workers: Sequence[Worker]) -> str:
    able = [
        worker
        for worker in workers
        if worker.doing not in (WorkerDoing.AWAY, WorkerDoing.PAUSED, WorkerDoing.TRAINING)
    ]
    lines = [
        f"### {say('Workers ({number})', number=len(workers))}",
        say("Taking jobs: {number}", number=len(able)),
    ]
    if all(worker.local for worker in workers):
        lines.append(
            say("-# Other machines can paint, too: invite one with `python bot.py worker invite`.")
        )
    return "\n".join(lines)
