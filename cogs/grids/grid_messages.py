"""Sheets: takes them, and has the message of each kept true."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord

from cogs.requests.submission import Desk, here_again, scope_of
from cogs.requests.sending import sender
from cogs.grids.cards import SheetCard, awaiting_card
from cogs.grids.tracked_grid import SheetSubject
from cogs.messages.delivery import withdraw
from cogs.messages.updater import Followers
from cogs.message_ref import Home
from engine import (
    ImageRequest,
    Job,
    Layout,
    Sheet,
    SheetProgress,
    StorageError,
    Studio,
    UnknownJob,
)
from speech import speaking

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)


class Sheets:
    """Submits sheets, and has them followed."""

    def __init__(self, bot: "Atelier", studio: Studio, desk: Desk, followers: Followers) -> None:
        self._bot = bot
        self._studio = studio
        self._desk = desk
        self._followers = followers

    async def take(
        self,
        interaction: "discord.Interaction[Atelier]",
        layout: Layout,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
    ) -> None:
        """Submit a sheet for whoever interacts; its message comes beside the answer.

        Args:
            interaction: In which it was confirmed; it has been answered.
            layout: Its axes.
            requests: What its cells show, row by row.
            private: Whether the person wants it private, if they have said so.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        manner = await self._desk.manner(interaction, private=private)
        home = await self._desk.home_for(interaction, manner)
        sheet = await self._studio.sheets.submit(
            layout,
            requests,
            owner=str(interaction.user.id),
            home=home.without_token().to_json(),  # it leads to the question
            scope=scope_of(interaction),
            allowance=await self._desk.allowance(interaction),
        )
        cells = await self._studio.sheets.cells(sheet.id)
        begun = SheetProgress(total=layout.count, over=0)
        lost = home.without_token()
        with speaking(home.language):
            card = awaiting_card(sheet, cells[min(cells)].recipe.prompt, begun, None)
        try:
            with speaking(home.language):  # its buttons speak too
                home = await sender(interaction, manner, first=False)(home, card)
            await self._studio.sheets.set_home(sheet.id, home.to_json())
        except StorageError as error:  # it is queued: nobody is to ask for it again
            log.warning("Sheet %d does not know where it is shown: %s", sheet.id, error)
        except discord.HTTPException as error:
            log.warning("Sheet %d: its interaction could not be answered: %s", sheet.id, error)
            home = lost
        finally:
            self.present(sheet, home, card)

    def present(self, sheet: Sheet, home: Home, shown: SheetCard | None = None) -> None:
        """Keep the message in `home`, which shows `shown`, true from now on, and no other."""
        self._followers.follow(SheetSubject(self._bot, self._followers, sheet), home, shown)

    async def show_again(self, sheet_id: int) -> None:
        """Have the message of a sheet drawn anew. Raises `UnknownJob` when the sheet is gone."""
        sheet = await self._studio.sheets.get(sheet_id)
        self.present(sheet, Home.from_json(sheet.home))

    async def without(self, job: Job) -> None:
        """Have the sheet of a cell that was deleted drawn anew; with its last cell, it goes."""
        assert job.cell is not None, "it was in a sheet"
        try:
            await self.show_again(job.cell.sheet)
        except UnknownJob:
            await withdraw(self._bot, Home.from_json(job.home))

    async def go_on_here(self, interaction: "discord.Interaction[Atelier]", sheet_id: int) -> None:
        """Show the sheet on the message whose button was clicked, while that token lives.

        Raises:
            UnknownJob: When it is gone.
            NotYours: When somebody else has asked for it.
        """
        sheet = await self._studio.sheets.owned(sheet_id, by=str(interaction.user.id))
        home = await here_again(interaction, Home.from_json(sheet.home))
        if home is not None:
            await self._studio.sheets.set_home(sheet.id, home.to_json())
            self.present(sheet, home)

    async def resume(self) -> None:
        """Take up every sheet whose outcome was not shown when the program ended."""
        for sheet in await self._studio.sheets.unsettled():
            self.present(sheet, Home.from_json(sheet.home))
