"""Albums: lists of finished pictures, a page at a time, for whoever asked alone.

Their buttons carry the number of a remembered search and a page: they work after restarts.
"""

import asyncio
import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.gallery.job_list_page import PER_PAGE, JobListPage, entry, options, thumbnails
from cogs.gallery.job_view import show_job
from cogs.message_ref import MessageRef
from cogs.messages.buttons import again
from cogs.messages.cards import shortened
from cogs.messages.delivery import withdraw
from cogs.messages.replies import reply
from cogs.policy.access import Refused
from cogs.policy.nsfw import exposures_to_user
from cogs.policy.visibility import can_see, visible_job
from engine import Job, Search
from speech import phrase, say, say_many

if TYPE_CHECKING:
    from cogs.bot import Atelier

FORGOTTEN = phrase("This list has expired or isn't yours. Run `/history` again.")
NOTHING = phrase("Nothing found. Loosen the filters, or paint something with `/imagine`.")

MESSAGE_STAYS = phrase(
    "Job {number} was deleted, but I can't reach its message. Click **Delete** there."
)
GRID_STAYS = phrase(
    "Job {number} was deleted, but I can't reach its grid's message to remove it there."
)


class PageButton(
    ui.DynamicItem[ui.Button[Any]], template=r"atelier-page:(?P<search>\d{1,18}):(?P<page>\d{1,9})"
):
    """A button that leads to a page."""

    def __init__(self, search: int, page: int, emoji: str = "▶️") -> None:
        identity = f"atelier-page:{search}:{page}"
        super().__init__(ui.Button(emoji=emoji, custom_id=identity))
        self._search, self._page = search, page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(int(match["search"]), int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Turn to the page."""

        async def act() -> None:
            await interaction.response.defer()
            await show_page(interaction, self._search, self._page)

        await interaction.client.tree.guard(interaction, act)


class JobMenu(
    ui.DynamicItem[ui.Select[Any]],
    template=r"atelier-entries:(?P<search>\d{1,18}):(?P<page>\d{1,9})",
):
    """A menu of what can be done with the jobs on a page."""

    def __init__(self, search: int, page: int, options: list[discord.SelectOption]) -> None:
        identity = f"atelier-entries:{search}:{page}"
        words = say("Show, paint again or delete…")
        super().__init__(ui.Select(custom_id=identity, placeholder=words, options=options))
        self._search, self._page = search, page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The menu that was used, rebuilt from its message."""
        assert isinstance(item, ui.Select)
        return cls(int(match["search"]), int(match["page"]), item.options)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what was picked, if it is still theirs to do."""
        verb, _, number = self.item.values[0].partition(":")
        await interaction.client.tree.guard(
            interaction, lambda: self._act(interaction, verb, int(number))
        )

    async def _act(
        self, interaction: "discord.Interaction[Atelier]", verb: str, job_id: int
    ) -> None:
        job = await visible_job(interaction, job_id)
        if verb == "again":
            await again(interaction, job_id)
        elif verb == "show":
            await show_job(interaction, job)
        else:
            await interaction.response.defer()
            await _delete(interaction, job)
            await show_page(interaction, self._search, self._page)


async def _delete(interaction: "discord.Interaction[Atelier]", job: Job) -> None:
    """Delete the job of whoever interacts, with its message; the sheet that it is in stays."""
    message_ref = MessageRef.from_json(job.message_ref)
    await interaction.client.gallery.delete(interaction, job.id, by=str(interaction.user.id))
    if job.cell is not None:
        if message_ref.leased and not message_ref.token_lives:
            await reply(interaction, say(GRID_STAYS, number=job.id))
    elif not await withdraw(interaction.client, message_ref):
        await reply(interaction, say(MESSAGE_STAYS, number=job.id))


async def open_job_list(interaction: "discord.Interaction[Atelier]", search: Search) -> None:
    """Answer a command with the first page of what `search` finds."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    owner = str(interaction.user.id)
    number = await interaction.client.studio.history.remember(owner, search)
    await show_page(interaction, number, 0)


async def show_page(interaction: "discord.Interaction[Atelier]", number: int, index: int) -> None:
    """Put the page, or the last one there is, where the deferred answer stands.

    Raises:
        Refused: When the search is not one of whoever interacts.
    """
    history, me = interaction.client.studio.history, str(interaction.user.id)
    search = await history.recall(me, number)
    if search is None:
        raise Refused(say(FORGOTTEN))
    total = await history.count(search)
    index = max(0, min(index, -(-total // PER_PAGE) - 1))
    jobs = await history.page(search, index * PER_PAGE, PER_PAGE)
    page = JobListPage(
        search=number,
        index=index,
        total=total,
        jobs=tuple(jobs),
        mine=frozenset(job.id for job in jobs if job.owner == me),
        visible=frozenset(job.id for job in jobs if can_see(interaction, job)),
        showings=await exposures_to_user(interaction, jobs),
    )
    uploads = await asyncio.to_thread(thumbnails, page)
    await interaction.edit_original_response(
        view=_view(page, {upload.name for upload in uploads}),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _view(page: JobListPage, names: set[str]) -> ui.LayoutView:
    """The page as components; `names` are those of the attached thumbnails."""
    container: ui.Container[ui.LayoutView] = ui.Container()
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    if not page.jobs:
        container.add_item(ui.TextDisplay(say(NOTHING)))
        return view
    found = say_many("{number} result", "{number} results", page.total)
    where = say("page {page} of {pages}", page=page.index + 1, pages=page.count)
    container.add_item(ui.TextDisplay(f"-# {found} · {where}"))
    for job in page.jobs:
        name, showing = f"{job.id}.webp", page.showings[job.id]
        text: ui.TextDisplay[ui.LayoutView] = ui.TextDisplay(
            entry(job, visible=job.id in page.visible, withheld=showing.withheld)
        )
        if name in names:
            picture = ui.Thumbnail[ui.LayoutView](
                f"attachment://{name}",
                description=shortened(job.recipe.prompt, 200),
                spoiler=0 in showing.covered,  # it is the first that is shown
            )
            container.add_item(ui.Section(text, accessory=picture))
        else:
            container.add_item(text)
    if choices := options(page):
        container.add_item(ui.ActionRow(JobMenu(page.search, page.index, choices)))
    if page.count > 1:
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        if page.index:
            row.add_item(PageButton(page.search, page.index - 1, "◀️"))
        if page.index + 1 < page.count:
            row.add_item(PageButton(page.search, page.index + 1, "▶️"))
        container.add_item(row)
    return view
