"""/history, /favourites and /show: finding pictures again."""

from typing import Literal

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.gallery.job_list import open_job_list
from cogs.gallery.job_view import show_job
from cogs.policy.contexts import anywhere
from cogs.policy.visibility import visible_job
from cogs.requests.choices import model_choices
from engine import Search, Studio

DAY = 24 * 3600.0

PERIODS = {"today": DAY, "week": 7 * DAY, "month": 30 * DAY}
"""The length of each period in seconds. Users' time zones aren't known: a day is 24 hours."""


class HistoryCommands(commands.Cog):
    """The commands that find pictures again."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @anywhere
    @app_commands.describe(
        words="Words that must all be in the prompt",
        model="Only pictures by this model",
        period="How far back to look",
        favourites="Only pictures you starred",
    )
    async def history(
        self,
        interaction: Interaction,
        words: Range[str, 1, 100] | None = None,
        model: Range[str, 1, 50] | None = None,
        period: Literal["today", "week", "month"] | None = None,
        favourites: bool = False,
    ) -> None:
        """List the pictures you asked for, newest first"""
        me = str(interaction.user.id)
        search = Search(
            owner=me,
            starred_by=me if favourites else None,
            words=words or "",
            model=model,
            seconds=PERIODS[period] if period else None,
        )
        await open_job_list(interaction, search)

    @app_commands.command()
    @anywhere
    @app_commands.describe(words="Words that must all be in the prompt")
    async def favourites(
        self, interaction: Interaction, words: Range[str, 1, 100] | None = None
    ) -> None:
        """List the pictures you starred, newest first"""
        search = Search(starred_by=str(interaction.user.id), words=words or "")
        await open_job_list(interaction, search)

    @app_commands.command()
    @anywhere
    @app_commands.describe(id="The job's number, shown in its message")
    async def show(self, interaction: Interaction, id: Range[int, 1, 10**12]) -> None:
        """Show a job's pictures, its settings and where it is"""
        await show_job(interaction, await visible_job(interaction, id))

    @history.autocomplete("model")
    async def _complete_model(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)
