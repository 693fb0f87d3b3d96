"""/prompt: better prompts, by a language model on the bot's own machine."""

import re
import secrets
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.app_commands import Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.policy.access import require_postable_channel
from cogs.policy.contexts import anywhere
from cogs.policy.request_context import request_context
from cogs.requests.written_prompts import PaintButton, prompt_in, written_view
from engine import ImageRequest, InvalidRequest, Rewriting
from speech import phrase, say

Prompt = Range[str, 1, 1800]
"""A prompt, so long that it fits into a message beside another one."""

NEW, OLD = 1, 2
"""The numbers of the prompts in the message."""

HEADINGS = {
    Rewriting.IMPROVE: phrase("**Improved**"),
    Rewriting.SHORTEN: phrase("**Shortened**"),
}


@anywhere
class Prompts(commands.GroupCog, group_name="prompt", group_description="Better prompts"):
    """The commands about a prompt."""

    @app_commands.command()
    @app_commands.describe(text="The prompt; its flags and LoRAs stay as they are")
    async def improve(self, interaction: Interaction, text: Prompt) -> None:
        """Add details to a prompt, and see it before it's painted"""
        await _rewrite(interaction, Rewriting.IMPROVE, text)

    @app_commands.command()
    @app_commands.describe(text="The prompt; its flags and LoRAs stay as they are")
    async def shorten(self, interaction: Interaction, text: Prompt) -> None:
        """Leave out of a prompt what doesn't matter, and see it before it's painted"""
        await _rewrite(interaction, Rewriting.SHORTEN, text)


class AnotherButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-prompt:(?P<kind>improve|shorten)",
):
    """Write another version of the prompt in this message."""

    def __init__(self, kind: Rewriting) -> None:
        super().__init__(
            ui.Button(label=say("Another"), emoji="🎲", custom_id=f"atelier-prompt:{kind}")
        )
        self._kind = kind

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(Rewriting(match["kind"]))

    async def act(self, interaction: Interaction) -> None:
        """Answer with another version; this one stays."""
        assert interaction.message is not None, "the button is on a message"
        await _rewrite(interaction, self._kind, prompt_in(interaction.message, OLD))


async def _rewrite(interaction: Interaction, kind: Rewriting, prompt: str) -> None:
    """Answer the interaction with a rewritten prompt, which only the user sees.

    Raises:
        AtelierError: When it is refused; the text is for the user.
    """
    rewriter = interaction.client.studio.rewriter
    context = await request_context(interaction)
    await context.words.check(ImageRequest(prompt=prompt))
    await rewriter.require()
    await require_postable_channel(interaction, ephemeral=True)
    await interaction.response.defer(thinking=True, ephemeral=True)
    seed = secrets.randbelow(2**32)
    written = await rewriter.rewrite(kind, prompt, seed, context.owner)
    try:
        await context.words.check(ImageRequest(prompt=written))
    except InvalidRequest as error:
        raise InvalidRequest(
            say(
                "What the model wrote contains a word that isn't allowed in this server. Try again."
            )
        ) from error
    view = written_view(
        say("Nothing is painted yet."),
        [(say(HEADINGS[kind]), written), (say("**Yours**"), prompt)],
        [PaintButton(NEW, private=False), AnotherButton(kind)],
    )
    await interaction.edit_original_response(
        view=view, allowed_mentions=discord.AllowedMentions.none()
    )
