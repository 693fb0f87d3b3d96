"""/settings: a panel with the server's settings."""

from discord import app_commands, ui
from discord.ext import commands

from cogs.context import Interaction
from cogs.policy.access import Refused, require_manager
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.policy.gallery_channel import GALLERY_CHANNEL
from cogs.policy.limits import Limits
from cogs.policy.server_settings import ServerSettings, server_settings
from cogs.settings.changes import PAINTING_CHANGES
from cogs.settings.items import (
    MAX_OPTIONS,
    PanelButton,
    Selection,
    SettingSelect,
    channel_select,
    option_select,
    role_select,
)
from cogs.settings.moderation_changes import MODERATION_CHANGES
from cogs.settings.options import (
    hourly_limit_options,
    language_options,
    model_options,
    nsfw_options,
    pictures_label,
    role_limit_options,
    size_options,
)
from engine import Studio
from speech import join_list, phrase, say

PAINTING_PAGE, ROLES_PAGE, MODERATION_PAGE = "painting", "roles", "order"

PAGES = {
    PAINTING_PAGE: phrase("Painting"),
    ROLES_PAGE: phrase("Roles"),
    MODERATION_PAGE: phrase("Moderation and language"),
}
"""The titles of the pages, by their names in custom IDs."""

PAGE_OF = dict.fromkeys(("role", "rolepace", "trainers"), ROLES_PAGE) | dict.fromkeys(
    MODERATION_CHANGES, MODERATION_PAGE
)
"""The page of each setting; the others are on the first page."""

ALL_CHANGES = PAINTING_CHANGES | MODERATION_CHANGES

Items = list[ui.Item[ui.LayoutView]]


class SettingsPanel(commands.Cog):
    """The command that opens the panel, and the panel itself."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def settings(self, interaction: Interaction) -> None:
        """Choose where members can paint, with which model and how much"""
        require_manager(interaction)
        view = await self._view(interaction, PAINTING_PAGE)
        await interaction.response.send_message(view=view, ephemeral=True)

    async def show_page(self, interaction: Interaction, page: str) -> None:
        """Show another page."""
        require_manager(interaction)
        await interaction.response.edit_message(view=await self._view(interaction, page))

    async def apply(self, interaction: Interaction, selection: Selection) -> None:
        """Apply a selection, record it in the audit log, and show the new settings."""
        require_manager(interaction)
        role: int | None = None
        if selection.setting == "role":
            role = _selected_role(interaction, selection.values[0])
        else:
            if selection.setting == "rolepace":
                role = int(selection.detail)
            await record(interaction, await ALL_CHANGES[selection.setting](interaction, selection))
        view = await self._view(interaction, PAGE_OF.get(selection.setting, PAINTING_PAGE), role)
        if interaction.response.is_done():
            await interaction.edit_original_response(view=view)
        else:
            await interaction.response.edit_message(view=view)

    async def _view(
        self, interaction: Interaction, page: str, role: int | None = None
    ) -> ui.LayoutView:
        """A page with the current settings; `role` is the one whose limit is being chosen."""
        settings = await server_settings(self._studio, scope_of(interaction))
        if page == ROLES_PAGE:
            items = self._role_items(interaction, settings, role)
        elif page == MODERATION_PAGE:
            items = await self._moderation_items(interaction, settings)
        else:
            items = await self._painting_items(interaction, settings)
        title = say("Server settings")
        note = say("Changes apply from the next picture on.")
        page_buttons: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        for name, label in PAGES.items():
            page_buttons.add_item(PanelButton(name, say(label), current=name == page))
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.Container(ui.TextDisplay(f"## {title}\n{note}"), *items, page_buttons))
        return view

    async def _painting_items(self, interaction: Interaction, settings: ServerSettings) -> Items:
        scope = scope_of(interaction)
        model = await self._studio.model_of(scope)
        sizes = size_options(model, await self._studio.server_models.defaults(scope, model.name))
        limits = hourly_limit_options(
            settings.pictures_per_hour, interaction.client.services[Limits].default_per_hour
        )
        assert interaction.guild is not None, "the panel is for servers"
        channels = [each for each in settings.channels if interaction.guild.get_channel(each)]
        placeholder = (
            say("Nowhere (the channels no longer exist)")
            if settings.channels and not channels
            else say("Everywhere")
        )
        channel_menu = channel_select(
            "channels", channels, placeholder, max_values=MAX_OPTIONS, text_only=False
        )
        return [
            _text(say("Where members can paint"), say("Threads follow their channel's setting.")),
            _row(channel_menu),
            _text(say("The server's default model")),
            _row(option_select("model", await model_options(self._studio, scope, model.name))),
            _text(say("The server's default size for that model")),
            _row(option_select("size", sizes, model.name)),
            _text(
                say("Pictures each member can request per hour"),
                say("Roles that the bot's owner gave their own limit keep it."),
            ),
            _row(option_select("pace", limits)),
        ]

    def _role_items(
        self,
        interaction: Interaction,
        settings: ServerSettings,
        role: int | None,
    ) -> Items:
        limits = [
            say("{role}: {pictures}", role=f"<@&{each}>", pictures=pictures_label(number))
            for each, number in settings.roles.items()
        ]
        items: Items = [
            _text(
                say("Roles with a higher or lower hourly limit"),
                say("With several roles, the highest limit counts, up to the bot owner's maximum."),
                say("A role here only changes the limit: it doesn't let anyone change settings."),
                *limits,
            ),
            _row(role_select("role", [role] if role else [], say("Choose a role"))),
        ]
        if role is not None:
            maximum = interaction.client.services[Limits].role_per_hour(role)
            options = role_limit_options(settings.roles.get(role), maximum)
            items.append(_row(option_select("rolepace", options, str(role))))
        assert interaction.guild is not None, "the panel is for servers"
        trainers = [each for each in settings.trainers if interaction.guild.get_role(each)]
        items += [
            _text(
                say("Roles that can train LoRAs"),
                say("Moderators can, too. A training takes hours of the bot's device."),
            ),
            _row(role_select("trainers", trainers, say("Only moderators"), several=True)),
        ]
        items.append(
            _text(
                say("Who can change settings and moderate"),
                say(
                    "Members with Manage Server or Timeout Members, by Discord's permissions. "
                    "Which commands they see, you choose in Server Settings → Integrations."
                ),
                *_admin_roles_line(interaction),
            )
        )
        return items

    async def _moderation_items(self, interaction: Interaction, settings: ServerSettings) -> Items:
        gallery = await self._studio.preferences.get(scope_of(interaction), GALLERY_CHANNEL)
        assert interaction.guild is not None, "the panel is for servers"
        find_channel = interaction.guild.get_channel
        review_channels = [
            each for each in [settings.review_channel] if each and find_channel(each)
        ]
        gallery_channels = [
            int(each) for each in [gallery] if each and each.isdecimal() and find_channel(int(each))
        ]
        may_be_shown = interaction.client.settings.unsafe_may_be_shown
        nsfw_items = [
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
            _row(channel_select("reviews", review_channels, say("In the channel of each prompt"))),
            *(nsfw_items if self._studio.safety.enabled else []),
            _text(say("Where starred pictures are reposted")),
            _row(channel_select("gallery", gallery_channels, say("Nowhere"))),
            _text(say("Language of public messages")),
            _row(option_select("language", language_options(settings))),
        ]


def _admin_roles_line(interaction: Interaction) -> list[str]:
    """The line about the roles of this server that the owner lets manage the bot, if any."""
    assert interaction.guild is not None, "the panel is for servers"
    roles = interaction.client.settings.admin_roles
    here = [f"<@&{role}>" for role in roles if interaction.guild.get_role(role)]
    return [say("The bot's owner also lets {roles} do both.", roles=join_list(here))] * bool(here)


def _selected_role(interaction: Interaction, value: str) -> int:
    """The selected role. Raises `Refused` for the one that all members have."""
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
