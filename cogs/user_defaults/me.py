"""/me: what somebody wants by default, wherever they are."""

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.messages.replies import reply
from cogs.models.text import model_choices
from cogs.policy.contexts import anywhere
from cogs.policy.privacy import DIRECT, HERE, user_scope
from cogs.requests.submission import scope_of
from cogs.styles.styles import style_choices
from engine import RATIOS, Studio, StyleBook, UserDefaults
from speech import phrase, say

if TYPE_CHECKING:
    from cogs.bot import Atelier

SHAPES = [Choice(name=ratio, value=ratio) for ratio in RATIOS]

PUBLIC = "public"

KEPT = {HERE: phrase("only you see them"), DIRECT: phrase("they come as direct messages")}
"""What becomes of one's pictures, in words."""


@anywhere
class Me(commands.GroupCog, group_name="me", group_description="What you want by default"):
    """The commands about the person who uses them."""

    def __init__(self, studio: Studio, book: StyleBook) -> None:
        self._studio = studio
        self._book = book
        super().__init__()

    @app_commands.command(name="defaults")
    @app_commands.describe(
        model="The model that paints when you name none, where it is allowed",
        size="The shape of your pictures when you name none",
        style="Your style when you name none, in servers that have it",
        privacy="Who sees your pictures when you do not say, also those made by buttons",
        clear="Forget all of it first",
    )
    @app_commands.choices(
        size=SHAPES,
        privacy=[
            Choice(name="only I see my pictures", value=HERE),
            Choice(name="my pictures come as direct messages", value=DIRECT),
            Choice(name="everybody in the channel sees them", value=PUBLIC),
        ],
    )
    async def defaults(
        self,
        interaction: "discord.Interaction[Atelier]",
        model: Range[str, 1, 50] | None = None,
        size: Choice[str] | None = None,
        style: Range[str, 1, 50] | None = None,
        privacy: Choice[str] | None = None,
        clear: bool = False,
    ) -> None:
        """Show or choose what you get where you leave it open; it goes before the server's own"""
        person = user_scope(interaction)
        user_defaults = UserDefaults() if clear else await self._book.user_defaults(person)
        if model is not None:
            user_defaults = replace(user_defaults, model=self._studio.models[model].name)
        if size is not None:
            user_defaults = replace(user_defaults, ratio=size.value)
        if style is not None:
            known = await self._book.get(scope_of(interaction), style)
            user_defaults = replace(user_defaults, style=known.name)
        if privacy is not None:
            wanted = None if privacy.value == PUBLIC else privacy.value
            user_defaults = replace(user_defaults, privacy=wanted)
        if clear or model or size or style or privacy:
            await self._book.set_user_defaults(person, user_defaults)
        await reply(interaction, in_words(user_defaults))

    @defaults.autocomplete("model")
    async def _complete_model(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)

    @defaults.autocomplete("style")
    async def _complete_style(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return style_choices(await self._book.all(scope_of(interaction)), current)


def in_words(user_defaults: UserDefaults) -> str:
    """What somebody wants by default."""
    said = []
    if user_defaults.model:
        said.append(say("model **{name}**", name=user_defaults.model))
    if user_defaults.ratio:
        said.append(say("size **{ratio}**", ratio=user_defaults.ratio))
    if user_defaults.style:
        said.append(say("style **{name}**", name=user_defaults.style))
    if user_defaults.privacy:
        said.append(say("pictures: **{kept}**", kept=say(KEPT[user_defaults.privacy])))
    if not said:
        return say("You have no defaults: what you leave open is as this server has it.")
    return say(
        "Where you leave it open: {wishes}. `/me defaults clear:True` forgets it.",
        user_defaults=" · ".join(said),
    )
