"""The /settings panel. Everything its items need is in their ids, so they outlive restarts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import Persistent

MOST_OPTIONS = 25
"""Discord's limit for a select."""

ROOMS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
]
"""Where commands can be used; threads go with the channel that they are in."""

SelectKind = discord.SelectDefaultValueType


@dataclass(frozen=True, slots=True)
class Selection:
    """What somebody picked in a select.

    Attributes:
        what: Which select: its name.
        detail: What the select is about, such as a role's id; empty where its name says it all.
        values: What is picked now, ids as text.
        shown: What a select for channels or roles had picked when it was shown.
    """

    what: str
    detail: str
    values: tuple[str, ...]
    shown: tuple[str, ...] = ()


class Panel(Protocol):
    """What the items of the panel act on."""

    async def take(self, interaction: Interaction, picked: Selection) -> None:
        """Change what was picked."""

    async def turn(self, interaction: Interaction, page: str) -> None:
        """Show another page."""


class SettingSelect(
    Persistent,
    ui.DynamicItem[ui.Item[Any]],
    template=r"atelier-setting:(?P<what>[a-z]+)(?::(?P<detail>[\w.-]{1,50}))?",
):
    """Change a setting."""

    def __init__(self, what: str, detail: str, select: ui.Item[Any]) -> None:
        super().__init__(select)
        self._what = what
        self._detail = detail

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The select that was used, as it stood in the panel."""
        return cls(match["what"], match["detail"] or "", item)

    async def act(self, interaction: Interaction) -> None:
        """Take in what was picked."""
        data: Any = interaction.data
        shown = (str(value.id) for value in getattr(self.item, "default_values", ()))
        picked = Selection(self._what, self._detail, tuple(data["values"]), tuple(shown))
        await interaction.client.services[Panel].take(interaction, picked)


class PanelButton(
    Persistent, ui.DynamicItem[ui.Button[Any]], template=r"atelier-settings-page:(?P<page>[a-z]+)"
):
    """Turn to another page of the panel."""

    def __init__(self, page: str, label: str = "", *, here: bool = False) -> None:
        style = discord.ButtonStyle.primary if here else discord.ButtonStyle.secondary
        identity = f"atelier-settings-page:{page}"
        super().__init__(
            ui.Button(label=label or page, style=style, custom_id=identity, disabled=here)
        )
        self._page = page

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button that was clicked."""
        return cls(match["page"])

    async def act(self, interaction: Interaction) -> None:
        """Turn to the page."""
        await interaction.client.services[Panel].turn(interaction, self._page)


def option_select(
    what: str, options: Sequence[discord.SelectOption], detail: str = ""
) -> SettingSelect:
    """One of several options."""
    identity = _identity(what, detail)
    return SettingSelect(what, detail, ui.Select(custom_id=identity, options=[*options]))


def channel_select(
    what: str, chosen: Iterable[int], placeholder: str, *, most: int = 1, text_only: bool = True
) -> SettingSelect:
    """Channels of the server; nothing picked is what `placeholder` says."""
    select: ui.ChannelSelect[Any] = ui.ChannelSelect(
        custom_id=_identity(what),
        channel_types=[discord.ChannelType.text] if text_only else ROOMS,
        placeholder=placeholder,
        min_values=0,
        max_values=most,
        default_values=_defaults(chosen, SelectKind.channel)[:most],
    )
    return SettingSelect(what, "", select)


def role_select(what: str, chosen: Iterable[int], placeholder: str) -> SettingSelect:
    """One of the server's roles."""
    select: ui.RoleSelect[Any] = ui.RoleSelect(
        custom_id=_identity(what),
        placeholder=placeholder,
        default_values=_defaults(chosen, SelectKind.role),
    )
    return SettingSelect(what, "", select)


def _identity(what: str, detail: str = "") -> str:
    return f"atelier-setting:{what}:{detail}" if detail else f"atelier-setting:{what}"


def _defaults(chosen: Iterable[int], kind: SelectKind) -> list[discord.SelectDefaultValue]:
    return [discord.SelectDefaultValue(id=each, type=kind) for each in chosen]
