"""Random public prompts of a server, to paint or to change."""

import re
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.app_commands import Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import fenced
from cogs.message_ref import MessageRef
from cogs.messages.buttons import JobButton
from cogs.messages.dynamic_items import Persistent
from cogs.messages.picture_buttons import PictureButton
from cogs.messages.text import command_mention, quoted, shortened
from cogs.policy.contexts import scope_of
from cogs.policy.viewer import public_viewer
from cogs.policy.visibility import jump_url
from engine import Job, Parent, Search
from speech import say

MAX_COPYABLE = 1500
"""Characters of the prompt in the code block for copying; a message has at most 4000."""


class Inspire(commands.Cog):
    """The `/inspire` command."""

    @app_commands.command()
    @app_commands.describe(words="Words that must all be in the prompt")
    async def inspire(
        self, interaction: Interaction, words: Range[str, 1, 60] | None = None
    ) -> None:
        """Show a random prompt that someone painted in this server, ready to paint"""
        view = await _random_prompt_view(interaction, words or "")
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


class AnotherButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-inspire:another(?::(?P<words>[^:]{1,60}))?",
):
    """Show another random prompt in place of this one."""

    def __init__(self, words: str = "") -> None:
        custom_id = f"atelier-inspire:another:{words}" if words else "atelier-inspire:another"
        super().__init__(ui.Button(label=say("Another"), emoji="🎲", custom_id=custom_id))
        self._words = words

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["words"] or "")

    async def act(self, interaction: Interaction) -> None:
        """Show another prompt."""
        await interaction.response.edit_message(
            view=await _random_prompt_view(interaction, self._words),
            allowed_mentions=discord.AllowedMentions.none(),
        )


async def _random_prompt_view(interaction: Interaction, words: str) -> ui.LayoutView:
    """A random prompt with buttons to paint or change it, or a note that there are none."""
    words = words.replace(":", " ")  # it separates the parts of a custom ID
    studio = interaction.client.studio
    search = Search(scope=scope_of(interaction), words=words)
    page = await studio.visible_jobs(public_viewer(interaction), search, size=1, at_random=True)
    imagine = command_mention(interaction.client, "imagine", interaction.guild_id)
    view = ui.LayoutView(timeout=None)
    if not page.jobs:
        note = say(
            "Nothing public has been painted here yet. Start with {imagine}.", imagine=imagine
        )
        if words:
            note = say("No public prompt here has all of these words. Try others.")
        return view.add_item(ui.Container(ui.TextDisplay(note)))
    [job] = page.jobs
    buttons: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    buttons.add_item(JobButton("again", job.id))
    buttons.add_item(PictureButton("remix", Parent(job.id, 0)))
    buttons.add_item(AnotherButton(words))
    return view.add_item(ui.Container(ui.TextDisplay(_prompt_text(job, imagine)), buttons))


def _prompt_text(job: Job, imagine: str) -> str:
    """The prompt, its author, and how to paint it."""
    source = f"<@{job.owner}>"
    if link := jump_url(MessageRef.from_json(job.message_ref)):
        source += f" · {say('[view message]({link})', link=link)}"
    copied = fenced(shortened(job.recipe.prompt, MAX_COPYABLE))
    hint = say(
        "“Again” paints it, “Remix” changes it first. Or copy it into {imagine}:", imagine=imagine
    )
    return f"{quoted(job.recipe.prompt)}\n-# {source}\n{hint}\n{copied}"
