"""Prompts in messages that the bot has written, with buttons that paint them."""

import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import fenced
from cogs.messages.dynamic_items import Persistent
from cogs.messages.looks import GREY
from cogs.messages.shown_job import walk_components
from cogs.policy.request_context import request_context
from cogs.requests.answers import defer_for, note_ignored_flags
from cogs.requests.builder import RequestBuilder, TypedRequest
from cogs.requests.confirmations import Confirmations
from cogs.requests.named_pictures import private_source, require_usable, with_named_pictures
from engine import ImageRequest, InvalidRequest
from speech import say

BLOCK = re.compile(r"```\n(.*?)\n```", re.DOTALL)
"""How `cogs.markdown.fenced` shows a prompt."""

AnyButton = ui.DynamicItem[ui.Button[Any]]


class PaintButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-written:(?P<verb>paint|private):(?P<number>[1-4])",
):
    """Paint a prompt that is in the message of this button, as usual or only for yourself."""

    def __init__(self, number: int, *, private: bool, label: str = "") -> None:
        """Make a button for the block of that number in its message, from 1."""
        verb = "private" if private else "paint"
        super().__init__(
            ui.Button(
                label=label or say("Paint it"),
                emoji="🎨",
                style=discord.ButtonStyle.primary,
                custom_id=f"atelier-written:{verb}:{number}",
            )
        )
        self._number, self._private = number, private

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(int(match["number"]), private=match["verb"] == "private")

    async def act(self, interaction: Interaction) -> None:
        """Paint it for whoever clicks."""
        assert interaction.message is not None, "the button is on a message"
        prompt = prompt_in(interaction.message, self._number)
        await paint(
            interaction,
            TypedRequest(request=ImageRequest(prompt=prompt)),
            private=True if self._private else None,
        )


def written_view(
    text: str, prompts: Sequence[tuple[str, str]], buttons: Sequence[AnyButton]
) -> ui.LayoutView:
    """Prompts in blocks that can be copied, each below a heading, with buttons below all.

    Args:
        text: What comes first.
        prompts: Headings, in Markdown, and prompts.
        buttons: At most five.
    """
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=GREY)
    container.add_item(ui.TextDisplay(text))
    for heading, prompt in prompts:
        container.add_item(ui.TextDisplay(f"{heading}\n{fenced(prompt)}"))
    container.add_item(ui.ActionRow(*buttons))
    return ui.LayoutView(timeout=None).add_item(container)


def prompt_in(message: discord.Message, number: int) -> str:
    """The prompt of that number, from 1, in a message of `written_view`.

    Raises:
        InvalidRequest: When it isn't there.
    """
    texts = (
        part.content
        for part in walk_components(message.components)
        if isinstance(part, discord.components.TextDisplay)
    )
    blocks = [match[1] for text in texts for match in BLOCK.finditer(text)]
    if not 1 <= number <= len(blocks):
        raise InvalidRequest(
            say("I can't read the prompt in this message. Copy it into `/imagine`.")
        )
    return blocks[number - 1]


async def paint(interaction: Interaction, typed: TypedRequest, *, private: bool | None) -> None:
    """Paint what was typed with the user's and the server's defaults, as `/imagine` does."""
    studio, context = interaction.client.studio, await request_context(interaction)
    variants = typed.variants()
    requests = RequestBuilder(studio).build_all(variants, context)
    if await require_usable(interaction, variants, requests):
        source = await private_source(interaction, variants)
        await defer_for(interaction, requests, private=private, source=source)
        requests = await with_named_pictures(interaction, variants, requests)
    confirmations = interaction.client.services[Confirmations]
    await confirmations.submit_or_ask(interaction, requests, private=private)
    await note_ignored_flags(interaction, typed.request.prompt)
