"""/settings: a panel about where, with what, how much and in which language members may paint."""

from discord import app_commands, ui
from discord.ext import commands

from cogs.context import Interaction
from cogs.policy.access import Refused, require_manager
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.policy.gallery_channel import GALLERY_CHANNEL
from cogs.policy.limits import Limits
from cogs.policy.server_settings import ServerSettings, server_settings
from cogs.settings.changes import CHANGES
from cogs.settings.items import (
    MOST_OPTIONS,
    PanelButton,
    Selection,
    SettingSelect,
    channel_select,
    option_select,
    role_select,
)
from cogs.settings.moderation_changes import MODERATION_CHANGES as ORDER_CHANGES
from cogs.settings.options import (
    language_options,
    model_options,
    nsfw_options,
    pace_options,
    pictures,
    role_pace_options,
    size_options,
)
from engine import Studio
from speech import phrase, say

PAINTING, ROLES, ORDER = "painting", "roles", "order"

PAGES = {
    PAINTING: phrase("Painting"),
    ROLES: phrase("Roles"),
    ORDER: phrase("Moderation and language"),
}
"""The pages by their names in ids, and what they are called."""

PAGE_OF = {"role": ROLES, "rolepace": ROLES} | dict.fromkeys(ORDER_CHANGES, ORDER)
"""The page on which a select is; the others are on the first."""

ALL_CHANGES = CHANGES | ORDER_CHANGES

Items = list[ui.Item[ui.LayoutView]]


class SettingsPanel(commands.Cog):
    """The command that opens the panel, and what is picked in it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    async def settings(self, interaction: Interaction) -> None:
        """Choose where members can paint, with which model and how much"""
        require_manager(interaction)
        view = await self._view(interaction, PAINTING)
        await interaction.response.send_message(view=view, ephemeral=True)

    async def turn(self, interaction: Interaction, page: str) -> None:
        """Show another page."""
        require_manager(interaction)
        await interaction.response.edit_message(view=await self._view(interaction, page))

    async def take(self, interaction: Interaction, picked: Selection) -> None:
        """Do what was picked, write it down, and show what holds now."""
        require_manager(interaction)
        role: int | None = None
        if picked.what == "role":
            role = _role(interaction, picked.values[0])
        else:
            if picked.what == "rolepace":
                role = int(picked.detail)
            await record(interaction, await ALL_CHANGES[picked.what](interaction, picked))
        view = await self._view(interaction, PAGE_OF.get(picked.what, PAINTING), role)
        if interaction.response.is_done():
            await interaction.edit_original_response(view=view)
        else:
            await interaction.response.edit_message(view=view)

    async def _view(
        self, interaction: Interaction, page: str, role: int | None = None
    ) -> ui.LayoutView:
        """A page, showing what is chosen now; `role` is the one whose number is to be chosen."""
        settings = await server_settings(self._studio, scope_of(interaction))
        if page == ROLES:
            items = self._roles(interaction, settings, role)
        elif page == ORDER:
            items = await self._order(interaction, settings)
        else:
            items = await self._painting(interaction, settings)
        title = say("Server settings")
        what = say("Changes apply from the next picture on.")
        turning: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        for name, label in PAGES.items():
            turning.add_item(PanelButton(name, say(label), here=name == page))
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.Container(ui.TextDisplay(f"## {title}\n{what}"), *items, turning))
        return view

    async def _painting(self, interaction: Interaction, settings: ServerSettings) -> Items:
        scope = scope_of(interaction)
        model = await self._studio.model_of(scope)
        sizes = size_options(model, await self._studio.server_models.defaults(scope, model.name))
        paces = pace_options(
            settings.pictures_per_hour, interaction.client.services[Limits].default_per_hour
        )
        assert interaction.guild is not None, "the panel is for servers"
        there = [each for each in settings.channels if interaction.guild.get_channel(each)]
        nothing = (
            say("Nowhere (the channels no longer exist)")
            if settings.channels
            else say("Everywhere")
        )
        rooms = channel_select("channels", there, nothing, most=MOST_OPTIONS, text_only=False)
        return [
            _text(say("Where members can paint"), say("Threads follow their channel's setting.")),
            _row(rooms),
            _text(say("The server's default model")),
            _row(option_select("model", await model_options(self._studio, scope, model.name))),
            _text(say("The server's default size for that model")),
            _row(option_select("size", sizes, model.name)),
            _text(
                say("Pictures each member can request per hour"),
                say("Roles that the bot's owner gave their own limit keep it."),
            ),
            _row(option_select("pace", paces)),
        ]

    def _roles(
        self,
        interaction: Interaction,
        settings: ServerSettings,
        role: int | None,
    ) -> Items:
        chosen = [
            say("{role}: {pictures}", role=f"<@&{each}>", pictures=pictures(number))
            for each, number in settings.roles.items()
        ]
        items: Items = [
            _text(
                say("Roles with a higher or lower hourly limit"),
                say("With several roles, the highest limit counts, up to the bot owner's maximum."),
                *chosen,
            ),
            _row(role_select("role", [role] if role else [], say("Choose a role"))),
        ]
        if role is not None:
            role_per_hour = interaction.client.services[Limits].role_per_hour(role)
            options = role_pace_options(settings.roles.get(role), role_per_hour)
            items.append(_row(option_select("rolepace", options, str(role))))
        return items

    async def _order(self, interaction: Interaction, settings: ServerSettings) -> Items:
        gallery = await self._studio.preferences.get(scope_of(interaction), GALLERY_CHANNEL)
        assert interaction.guild is not None, "the panel is for servers"
        rooms = interaction.guild.get_channel
        asked = [each for each in [settings.review_channel] if each and rooms(each)]
        shown = [int(each) for each in [gallery] if each and rooms(int(each))]
        may_be_shown = interaction.client.settings.unsafe_may_be_shown
        unsafe = [
            _text(
                say("NSFW pictures in channels that aren't age-restricted"),
                say("Detected by a classifier. Moderators can release what it hides."),
            ),
            _row(option_select("nsfw", nsfw_options(settings, may_be_shown=may_be_shown))),
        ]
        return [
            _text(
                say("Where moderators are asked to review prompts"),
                say("Choose the words with `/words review`."),
            ),
            _row(channel_select("reviews", asked, say("In the channel of each prompt"))),
            *(unsafe if self._studio.safety.judges else []),
            _text(say("Where starred pictures are reposted")),
            _row(channel_select("gallery", shown, say("Nowhere"))),
            _text(say("Language of public messages")),
            _row(option_select("language", language_options(settings))),
        ]


def _role(interaction: Interaction, value: str) -> int:
    """The role that was picked, if it is for some members only."""
    role = int(value)
    if role == interaction.guild_id:
        raise Refused(
            say("Everyone has that role. Set the limit for all members on the first page.")
        )
    return role


def _text(heading: str, *lines: str) -> ui.TextDisplay[ui.LayoutView]:
    return ui.TextDisplay("\n".join([f"**{heading}**", *(f"-# {line}" for line in lines)]))


def _row(select: SettingSelect) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    return row.add_item(select)
