"""What there is to be used: the live commands, controls and modals, each by a key."""

from __future__ import annotations

from discord import AppCommandType

from cogs import Atelier
from cogs.about.command_list import slash_commands
from cogs.settings.panel import ALL_CHANGES, PAGES
from tests.command_reference.controls import GROUP, items, modal_cogs

ROLE = "role"
"""The select of the panel that only chooses what another one is about."""

NAMED = {
    "atelier-setting:something": {f"atelier-setting:{what}" for what in (*ALL_CHANGES, ROLE)},
    "atelier-settings-page:something": {f"atelier-settings-page:{page}" for page in PAGES},
}
"""What stands in an id where its pattern takes any word."""


async def keys(bot: Atelier) -> set[str]:
    """Of everything that the bot has."""
    controls = {key_of(match.string) for match, _ in await items()}
    for sample, named in NAMED.items():
        controls = controls - {sample} | named
    return controls | commands(bot) | forms(bot)


def commands(bot: Atelier) -> set[str]:
    """Of commands that are typed, and of those in the menu of a message."""
    menus = bot.tree.get_commands(type=AppCommandType.message)
    people = bot.tree.get_commands(type=AppCommandType.user)
    typed = {f"/{command.qualified_name}" for command in slash_commands(bot)}
    return typed | {menu.name for menu in (*menus, *people)}


def forms(bot: Atelier) -> set[str]:
    """Of modals."""
    found = set()
    for cog in modal_cogs(bot):
        pattern = cog.form.pattern
        head = pattern.partition(":")[0]
        kinds = [group["pattern"] for group in GROUP.finditer(pattern) if group["name"] == "kind"]
        found |= {f"{head}:{kind}" for kind in kinds[0].split("|")} if kinds else {head}
    return found


def key_of(custom_id: str) -> str:
    """What the id is of: its beginning, and the word that says what it does."""
    head, *rest = custom_id.split(":")
    if head == "atelier-style" or not rest:
        return head
    words = [rest[0]] if rest[0].isalpha() else []
    return ":".join([head, *words, *(["mask"] if rest[-1] == "mask" else [])])
