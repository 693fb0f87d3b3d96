"""The /settings panel. Everything its items need is in their ids, so they outlive restarts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import Persistent

MAX_OPTIONS = 25
"""Discord's limit for a select."""

CHANNEL_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
]
"""The channels in which commands can be used. Threads belong to their channel."""

SelectKind = discord.SelectDefaultValueType


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user selected in the panel.

    Attributes:
        setting: The name of the setting.
        detail: What exactly it is about, such as a role's ID, or empty.
        values: The selected values; IDs as text.
        shown: What a select for channels or roles had selected before.
    """

    setting: str
    detail: str
    values: tuple[str, ...]
    shown: tuple[str, ...] = ()


class Panel(Protocol):
    """The panel that the items belong to."""

    async def apply(self, interaction: Interaction, selection: Selection) -> None:
        """Apply what the user selected."""

    async def show_page(self, interaction: Interaction, page: str) -> None:
        """Show another page."""


class SettingSelect(
    Persistent,
    ui.DynamicItem[ui.Item[Any]],
    template=r"atelier-setting:(?P<setting>[a-z]+)(?::(?P<detail>[\w.-]{1,50}))?",
):
    """Change a setting."""

    def __init__(self, setting: str, detail: str, select: ui.Item[Any]) -> None:
        super().__init__(select)
        self._setting = setting
        self._detail = detail

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The select from its custom ID and the component in its message."""
        return cls(match["setting"], match["detail"] or "", item)

    async def act(self, interaction: Interaction) -> None:
        """Apply what the user selected."""
        data: Any = interaction.data
        shown = (str(value.id) for value in getattr(self.item, "default_values", ()))
        selection = Selection(self._setting, self._detail, tuple(data["values"]), tuple(shown))
        await interaction.client.services[Panel].apply(interaction, selection)


class PanelButton(
    Persistent, ui.DynamicItem[ui.Button[Any]], template=r"atelier-settings-page:(?P<page>[a-z]+)"
):
    """Turn to another page of the panel."""

    def __init__(self, page: str, label: str = "", *, current: bool = False) -> None:
        style = discord.ButtonStyle.primary if current else discord.ButtonStyle.secondary
        custom_id = f"atelier-settings-page:{page}"
        super().__init__(
            ui.Button(label=label or page, style=style, custom_id=custom_id, disabled=current)
        )
        self._page = page

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["page"])

    async def act(self, interaction: Interaction) -> None:
        """Show the page."""
        await interaction.client.services[Panel].show_page(interaction, self._page)


def option_select(
    setting: str, options: Sequence[discord.SelectOption], detail: str = ""
) -> SettingSelect:
    """A select for one of several options."""
    custom_id = _custom_id(setting, detail)
    return SettingSelect(setting, detail, ui.Select(custom_id=custom_id, options=[*options]))


def channel_select(
    setting: str,
    chosen: Iterable[int],
    placeholder: str,
    *,
    max_values: int = 1,
    text_only: bool = True,
) -> SettingSelect:
    """A select for channels of the server; `placeholder` says what selecting none means."""
    select: ui.ChannelSelect[Any] = ui.ChannelSelect(
        custom_id=_custom_id(setting),
        channel_types=[discord.ChannelType.text] if text_only else CHANNEL_TYPES,
        placeholder=placeholder,
        min_values=0,
        max_values=max_values,
        default_values=_defaults(chosen, SelectKind.channel)[:max_values],
    )
    return SettingSelect(setting, "", select)


def role_select(
    setting: str, chosen: Iterable[int], placeholder: str, *, several: bool = False
) -> SettingSelect:
    """A select for one of the server's roles, or for `several` or none."""
    most = MAX_OPTIONS if several else 1
    select: ui.RoleSelect[Any] = ui.RoleSelect(
        custom_id=_custom_id(setting),
        placeholder=placeholder,
        min_values=0 if several else 1,
        max_values=most,
        default_values=_defaults(chosen, SelectKind.role)[:most],
    )
    return SettingSelect(setting, "", select)


def _custom_id(setting: str, detail: str = "") -> str:
    return f"atelier-setting:{setting}:{detail}" if detail else f"atelier-setting:{setting}"


def _defaults(chosen: Iterable[int], kind: SelectKind) -> list[discord.SelectDefaultValue]:
    return [discord.SelectDefaultValue(id=each, type=kind) for each in chosen]
