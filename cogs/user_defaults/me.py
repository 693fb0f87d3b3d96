"""/me: what somebody wants by default, wherever they are."""

from dataclasses import replace

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.messages.replies import reply
from cogs.policy.contexts import anywhere, scope_of, user_scope
from cogs.policy.privacy import DM, ONLY_ME
from cogs.requests.choices import model_choices, style_choices
from engine import RATIOS, Studio, UserDefaults
from speech import phrase, say

SHAPES = [Choice(name=ratio, value=ratio) for ratio in RATIOS]

PUBLIC = "public"

KEPT = {ONLY_ME: phrase("visible only to you"), DM: phrase("sent by DM")}
"""What becomes of one's pictures, in words."""


@anywhere
class Me(commands.GroupCog, group_name="me", group_description="Your own defaults"):
    """The commands about the person who uses them."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._styles = studio.styles
        super().__init__()

    @app_commands.command(name="defaults")
    @app_commands.describe(
        model="Your model when you don't name one, where it's allowed",
        size="Your picture shape when you don't choose one",
        style="Your style when you don't choose one, in servers that have it",
        privacy="Who sees your pictures if you don't say, including those from buttons",
        clear="Clear all your defaults first",
    )
    @app_commands.choices(
        size=SHAPES,
        privacy=[
            Choice(name="visible only to me", value=ONLY_ME),
            Choice(name="sent to me as direct messages", value=DM),
            Choice(name="visible to everyone in the channel", value=PUBLIC),
        ],
    )
    async def defaults(
        self,
        interaction: Interaction,
        model: Range[str, 1, 50] | None = None,
        size: Choice[str] | None = None,
        style: Range[str, 1, 50] | None = None,
        privacy: Choice[str] | None = None,
        clear: bool = False,
    ) -> None:
        """Show or set your own defaults; they override the server's"""
        person = user_scope(interaction)
        user_defaults = UserDefaults() if clear else await self._styles.user_defaults(person)
        if model is not None:
            user_defaults = replace(user_defaults, model=self._studio.models[model].name)
        if size is not None:
            user_defaults = replace(user_defaults, ratio=size.value)
        if style is not None:
            known = await self._styles.get(scope_of(interaction), style)
            user_defaults = replace(user_defaults, style=known.name)
        if privacy is not None:
            wanted = None if privacy.value == PUBLIC else privacy.value
            user_defaults = replace(user_defaults, privacy=wanted)
        if clear or model or size or style or privacy:
            await self._styles.set_user_defaults(person, user_defaults)
        await reply(interaction, in_words(user_defaults))

    @defaults.autocomplete("model")
    async def _complete_model(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)

    @defaults.autocomplete("style")
    async def _complete_style(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return style_choices(await self._styles.all(scope_of(interaction)), current)


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
        return say("You have no defaults. Anything you leave out follows the server's settings.")
    return say(
        "Your defaults: {defaults}. Clear them with `/me defaults clear:True`.",
        defaults=" · ".join(said),
    )
