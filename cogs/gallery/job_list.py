"""Lists of finished jobs. One page at a time, visible only to the member who asked.

Their buttons carry the number of a stored search and a page, so they outlive restarts.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.gallery.job_list_page import PER_PAGE, JobListPage, job_entry, menu_options, thumbnails
from cogs.gallery.job_view import show_job
from cogs.message_ref import MessageRef
from cogs.messages.delivery import delete_message
from cogs.messages.dynamic_items import Persistent
from cogs.messages.removal import JobRemoval
from cogs.messages.replies import reply
from cogs.messages.text import shortened
from cogs.policy.access import Refused
from cogs.policy.nsfw import exposures_to_user
from cogs.policy.viewer import viewer_of
from cogs.policy.visibility import visible_job
from cogs.requests.submission import Submission
from engine import Job, Search, Studio
from speech import phrase, say, say_many

LIST_EXPIRED = phrase("This list has expired or isn't yours. Run `/history` again.")
NOTHING_FOUND = phrase("Nothing found. Loosen the filters, or paint something with `/imagine`.")

MESSAGE_STAYS = phrase(
    "Job {number} was deleted, but I can't reach its message. Click **Delete** there."
)
GRID_STAYS = phrase(
    "Job {number} was deleted, but I can't reach its grid's message to remove it there."
)


class PageButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-page:(?P<search>\d{1,18}):(?P<page>\d{1,9})",
):
    """Turn to another page."""

    def __init__(self, search: int, page: int, emoji: str = "▶️") -> None:
        custom_id = f"atelier-page:{search}:{page}"
        super().__init__(ui.Button(emoji=emoji, custom_id=custom_id))
        self._search, self._page = search, page

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(int(match["search"]), int(match["page"]))

    async def act(self, interaction: Interaction) -> None:
        """Show the page."""
        await interaction.response.defer()
        await show_page(interaction, self._search, self._page)


class JobMenu(
    Persistent,
    ui.DynamicItem[ui.Select[Any]],
    template=r"atelier-entries:(?P<search>\d{1,18}):(?P<page>\d{1,9})",
):
    """Show a job or a grid of this page, paint a job again or delete it."""

    def __init__(self, search: int, page: int, options: list[discord.SelectOption]) -> None:
        custom_id = f"atelier-entries:{search}:{page}"
        placeholder = say("Show, paint again or delete…")
        super().__init__(ui.Select(custom_id=custom_id, placeholder=placeholder, options=options))
        self._search, self._page = search, page

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The menu from its custom ID and the options in its message."""
        assert isinstance(item, ui.Select)
        return cls(int(match["search"]), int(match["page"]), item.options)

    async def act(self, interaction: Interaction) -> None:
        """Apply what was picked to the job, if the user may still see it."""
        verb, _, number = self.item.values[0].partition(":")
        if verb == "grid":
            search = Search(owner=str(interaction.user.id), grid=int(number))
            await open_job_list(interaction, search)
            return
        job = await visible_job(interaction, int(number))
        if verb == "again":
            await interaction.client.services[Submission].submit_again(interaction, job.id)
        elif verb == "show":
            await show_job(interaction, job)
        else:
            await interaction.response.defer()
            await _delete(interaction, job)
            await show_page(interaction, self._search, self._page)


async def _delete(interaction: Interaction, job: Job) -> None:
    """Delete the user's job and its message; a grid of which it is a cell stays without it."""
    message_ref = MessageRef.from_json(job.message_ref)
    await interaction.client.services[JobRemoval].delete(
        interaction, job.id, by=str(interaction.user.id)
    )
    if job.cell is not None:
        if message_ref.token_only and not message_ref.token_valid:
            await reply(interaction, say(GRID_STAYS, number=job.id))
    elif not await delete_message(interaction.client, message_ref):
        await reply(interaction, say(MESSAGE_STAYS, number=job.id))


async def open_job_list(interaction: Interaction, search: Search) -> None:
    """Answer a command with the first page of the search's results."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    owner = str(interaction.user.id)
    number = await interaction.client.studio.history.remember(owner, search)
    await show_page(interaction, number, 0)


async def show_page(interaction: Interaction, number: int, index: int) -> None:
    """Show a page of results, at most the last one, in the deferred answer.

    Args:
        interaction: The interaction.
        number: The number of the remembered search.
        index: The page, from 0 on.

    Raises:
        Refused: When the search is another user's, or has expired.
    """
    studio, me = interaction.client.studio, str(interaction.user.id)
    search = await studio.history.recall(me, number)
    if search is None:
        raise Refused(say(LIST_EXPIRED))
    viewer = await viewer_of(interaction)
    results = await studio.visible_jobs(viewer, search, index, PER_PAGE)
    page = JobListPage(
        search=number,
        index=results.number,
        total=results.total,
        jobs=results.jobs,
        own=frozenset(job.id for job in results.jobs if job.owner == me),
        exposures=await exposures_to_user(interaction, results.jobs),
        grids=await _grid_sizes(studio, results.jobs) if search.finds_grids_once else {},
    )
    uploads = await asyncio.to_thread(thumbnails, page)
    await interaction.edit_original_response(
        view=_view(page, {upload.name for upload in uploads}),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def _grid_sizes(studio: Studio, jobs: Sequence[Job]) -> dict[int, int]:
    """The pictures in the grids of the cells among `jobs`, by the cells' IDs."""
    grids = {job.id: job.cell.grid for job in jobs if job.cell is not None}
    return {
        job_id: sum(len(cell.pictures) for cell in (await studio.grids.cells(grid)).values())
        for job_id, grid in grids.items()
    }


def _view(page: JobListPage, names: set[str]) -> ui.LayoutView:
    """The page as components; `names` are those of the attached thumbnails."""
    container: ui.Container[ui.LayoutView] = ui.Container()
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    if not page.jobs:
        container.add_item(ui.TextDisplay(say(NOTHING_FOUND)))
        return view
    found = say_many("{number} result", "{number} results", page.total)
    where = say("page {page} of {pages}", page=page.index + 1, pages=page.count)
    container.add_item(ui.TextDisplay(f"-# {found} · {where}"))
    for job in page.jobs:
        name, exposure = f"{job.id}.webp", page.exposures[job.id]
        text: ui.TextDisplay[ui.LayoutView] = ui.TextDisplay(job_entry(job, page.grids.get(job.id)))
        if name in names:
            picture = ui.Thumbnail[ui.LayoutView](
                f"attachment://{name}",
                description=shortened(job.recipe.prompt, 200),
                spoiler=0 in exposure.spoilered,  # the thumbnail is that of the first
            )
            container.add_item(ui.Section(text, accessory=picture))
        else:
            container.add_item(text)
    if choices := menu_options(page):
        container.add_item(ui.ActionRow(JobMenu(page.search, page.index, choices)))
    if page.count > 1:
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        if page.index:
            row.add_item(PageButton(page.search, page.index - 1, "◀️"))
        if page.index + 1 < page.count:
            row.add_item(PageButton(page.search, page.index + 1, "▶️"))
        container.add_item(row)
    return view
