"""/settings: a panel of selects about where, with what and how much members may paint."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.audit import noted
from cogs.desk import scope_of
from cogs.policy import require_manager
from cogs.server_settings import ServerSettings, keep_server_settings, server_settings

if TYPE_CHECKING:
    from cogs.bot import Atelier

PACES = (1, 2, 5, 10, 15, 20, 30, 50, 100, 200, 500)
"""Pictures an hour to choose from, as far as they are fewer than what the owner gives."""

AS_THE_OWNER = "owner"
"""The value that stands for the limit in the owner's settings."""

MOST_OPTIONS = 25
"""Discord's limit for a select."""

ROOMS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
]
"""Where commands can be used; threads go with the channel that they are in."""

Values = list[str]
Apply = Callable[["discord.Interaction[Atelier]", Values], Awaitable[str]]


class SettingsPanel(commands.Cog):
    """The command that opens the panel."""

    @app_commands.command()
    @app_commands.guild_only()
    async def settings(self, interaction: "discord.Interaction[Atelier]") -> None:
        """Choose where members paint, with which model, and how much"""
        require_manager(interaction)
        await interaction.response.send_message(view=await panel(interaction), ephemeral=True)


class RoomSelect(
    ui.DynamicItem[ui.ChannelSelect[Any]], template=r"atelier-settings:(?P<what>channels)"
):
    """Where members may paint; nothing picked is everywhere."""

    def __init__(self, chosen: tuple[int, ...] = ()) -> None:
        defaults = [
            discord.SelectDefaultValue(id=channel, type=discord.SelectDefaultValueType.channel)
            for channel in chosen
        ]
        super().__init__(
            ui.ChannelSelect(
                custom_id="atelier-settings:channels",
                channel_types=ROOMS,
                placeholder="Everywhere",
                min_values=0,
                max_values=MOST_OPTIONS,
                default_values=defaults,
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The select that was used; what was picked comes with the interaction."""
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Take in what was picked, under the same policy as a command."""
        await _use(interaction, "channels", [str(channel.id) for channel in self.item.values])


class OptionSelect(
    ui.DynamicItem[ui.Select[Any]], template=r"atelier-settings:(?P<what>model|pace)"
):
    """One of the other choices."""

    def __init__(self, what: str, options: list[discord.SelectOption]) -> None:
        super().__init__(ui.Select(custom_id=f"atelier-settings:{what}", options=options))
        self._what = what

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The select that was used."""
        assert isinstance(item, ui.Select)
        return cls(match["what"], item.options)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Take in what was picked, under the same policy as a command."""
        await _use(interaction, self._what, self.item.values)


async def _use(interaction: "discord.Interaction[Atelier]", what: str, values: Values) -> None:
    async def act() -> None:
        require_manager(interaction)
        said = await APPLY[what](interaction, values)
        await noted(interaction, said)
        if not interaction.response.is_done():
            await interaction.response.edit_message(view=await panel(interaction))
        else:
            await interaction.edit_original_response(view=await panel(interaction))

    await interaction.client.tree.guard(interaction, act)


async def _set_channels(interaction: "discord.Interaction[Atelier]", values: Values) -> str:
    channels = tuple(int(value) for value in values)
    await _change(interaction, channels=channels)
    named = ", ".join(f"<#{channel}>" for channel in channels)
    return f"let members paint in {named}" if named else "let members paint everywhere"


async def _set_model(interaction: "discord.Interaction[Atelier]", values: Values) -> str:
    await interaction.response.defer()  # its files are looked at, on the Hub maybe
    model = await interaction.client.studio.use_model(values[0], scope_of(interaction))
    return f"chose the model {model.name}"


async def _set_pace(interaction: "discord.Interaction[Atelier]", values: Values) -> str:
    [value] = values
    pace = None if value == AS_THE_OWNER else int(value)
    await _change(interaction, pictures_per_hour=pace)
    if pace is None:
        return "gave members as many pictures an hour as the owner does"
    return f"gave members {_pictures(pace)} an hour"


APPLY: dict[str, Apply] = {"channels": _set_channels, "model": _set_model, "pace": _set_pace}
"""What each select does with what was picked; the answer is a line for the audit log."""


async def _change(interaction: "discord.Interaction[Atelier]", **changes: Any) -> None:
    studio, scope = interaction.client.studio, scope_of(interaction)
    settings = await server_settings(studio, scope)
    await keep_server_settings(studio, scope, replace(settings, **changes))


async def panel(interaction: "discord.Interaction[Atelier]") -> ui.LayoutView:
    """The panel, showing what is chosen now."""
    scope = scope_of(interaction)
    settings = await server_settings(interaction.client.studio, scope)
    most = interaction.client.most_per_hour
    container: ui.Container[ui.LayoutView] = ui.Container(
        ui.TextDisplay("## Settings of this server\nEach choice holds from the next picture on."),
        ui.TextDisplay("**Where members may paint**\n-# Threads go with their channel."),
        _row(RoomSelect(settings.channels)),
        ui.TextDisplay("**The model that paints when nobody names one**"),
        _row(OptionSelect("model", await _models(interaction, scope))),
        ui.TextDisplay(
            "**Pictures that a member may ask for within an hour**\n"
            "-# Roles to which the owner gives a limit of their own keep it."
        ),
        _row(OptionSelect("pace", _paces(settings, most))),
    )
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view


def _row(select: RoomSelect | OptionSelect) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    return row.add_item(select)


async def _models(
    interaction: "discord.Interaction[Atelier]", scope: str
) -> list[discord.SelectOption]:
    """The models that are allowed here, the one in use first, as many as a select takes."""
    studio = interaction.client.studio
    used = (await studio.model_of(scope)).name
    allowed = await studio.rules.allowed(scope)
    names = [m.name for m in studio.models if allowed is None or m.name in allowed]
    names.sort(key=lambda name: name != used)
    return [
        discord.SelectOption(label=name, value=name, default=name == used)
        for name in names[:MOST_OPTIONS]
    ]


def _paces(settings: ServerSettings, most: int) -> list[discord.SelectOption]:
    """What can be chosen, `most` being what the owner gives everybody."""
    chosen = settings.pictures_per_hour
    own = discord.SelectOption(
        label="As the owner decides", value=AS_THE_OWNER, default=chosen is None
    )
    paces = sorted({*PACES, *([chosen] if chosen is not None else [])})
    return [
        own,
        *(
            discord.SelectOption(label=_pictures(pace), value=str(pace), default=pace == chosen)
            for pace in paces
            if pace < most or pace == chosen
        ),
    ]


def _pictures(count: int) -> str:
    return f"{count} picture" if count == 1 else f"{count} pictures"
