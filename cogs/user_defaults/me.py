"""/me: a user's own defaults, which apply everywhere."""

from dataclasses import replace

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped
from cogs.messages.pings import ALWAYS, NEVER
from cogs.messages.replies import reply
from cogs.policy.contexts import anywhere, scope_of, user_scope
from cogs.policy.privacy import DM, ONLY_ME
from cogs.requests.choices import model_choices, style_choices
from engine import RATIOS, Studio, UserDefaults
from speech import phrase, say

RATIO_CHOICES = [Choice(name=ratio, value=ratio) for ratio in RATIOS]

PUBLIC, AFTER_A_MINUTE = "public", "minute"
"""The choices that are stored as no default of one's own."""

PRIVACY_LABELS = {ONLY_ME: phrase("visible only to you"), DM: phrase("sent by DM")}
"""The privacy settings, in words."""

MENTION_LABELS = {ALWAYS: phrase("always"), NEVER: phrase("never")}
"""When people are mentioned, in words."""


@anywhere
class Me(commands.GroupCog, group_name="me", group_description="Your own defaults"):
    """The commands about the user."""

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
        mention="When I mention you because a picture is ready",
        clear="Clear all your defaults first",
    )
    @app_commands.choices(
        size=RATIO_CHOICES,
        privacy=[
            Choice(name="visible only to me", value=ONLY_ME),
            Choice(name="sent to me as direct messages", value=DM),
            Choice(name="visible to everyone in the channel", value=PUBLIC),
        ],
        mention=[
            Choice(name="always", value=ALWAYS),
            Choice(name="after a minute of waiting", value=AFTER_A_MINUTE),
            Choice(name="never", value=NEVER),
        ],
    )
    async def defaults(
        self,
        interaction: Interaction,
        model: Range[str, 1, 50] | None = None,
        size: Choice[str] | None = None,
        style: Range[str, 1, 50] | None = None,
        privacy: Choice[str] | None = None,
        mention: Choice[str] | None = None,
        clear: bool = False,
    ) -> None:
        """Show or set your own defaults; they override the server's"""
        own_scope = user_scope(interaction)
        user_defaults = UserDefaults() if clear else await self._styles.user_defaults(own_scope)
        if model is not None:
            user_defaults = replace(user_defaults, model=self._studio.models[model].name)
        if size is not None:
            user_defaults = replace(user_defaults, ratio=size.value)
        if style is not None:
            chosen_style = await self._styles.get(scope_of(interaction), style)
            user_defaults = replace(user_defaults, style=chosen_style.name)
        if privacy is not None:
            chosen_privacy = None if privacy.value == PUBLIC else privacy.value
            user_defaults = replace(user_defaults, privacy=chosen_privacy)
        if mention is not None:
            chosen_mention = None if mention.value == AFTER_A_MINUTE else mention.value
            user_defaults = replace(user_defaults, mention=chosen_mention)
        if clear or model or size or style or privacy or mention:
            await self._styles.set_user_defaults(own_scope, user_defaults)
        await reply(interaction, user_defaults_text(user_defaults))

    @defaults.autocomplete("model")
    async def _complete_model(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)

    @defaults.autocomplete("style")
    async def _complete_style(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return style_choices(await self._styles.all(scope_of(interaction)), current)


def user_defaults_text(user_defaults: UserDefaults) -> str:
    """The sentence about a user's defaults."""
    parts = []
    if user_defaults.model:
        parts.append(say("model **{name}**", name=escaped(user_defaults.model)))
    if user_defaults.ratio:
        parts.append(say("size **{ratio}**", ratio=user_defaults.ratio))
    if user_defaults.style:
        parts.append(say("style **{name}**", name=escaped(user_defaults.style)))
    if user_defaults.privacy:
        parts.append(say("pictures: **{kept}**", kept=say(PRIVACY_LABELS[user_defaults.privacy])))
    if (label := MENTION_LABELS.get(user_defaults.mention or "")) is not None:
        parts.append(say("mentions: **{when}**", when=say(label)))
    if not parts:
        return say("You have no defaults. Anything you leave out follows the server's settings.")
    return say(
        "Your defaults: {defaults}. Clear them with `/me defaults clear:True`.",
        defaults=" · ".join(parts),
    )
