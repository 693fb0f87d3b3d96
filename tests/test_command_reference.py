"""What `docs/commands.md` says about who can use what is read from the code."""

from __future__ import annotations

from cogs.about.command_list import slash_commands
from cogs.messages.picture_buttons import PictureButton
from engine import Parent
from tests.offline_bot import offline_bot

from .command_reference.commands import bound
from .command_reference.requirements import limits, who


async def test_demands_are_found_behind_whatever_leads_to_them() -> None:
    async with offline_bot() as bot:
        commands = {each.qualified_name: bound(each) for each in slash_commands(bot)}
        strong, details = (PictureButton(verb, Parent(1, 0)) for verb in ("strong", "details"))
        assert who(bot, commands["cancel"]) == "the job's owner"
        assert {"hourly limit", "painting channels"} <= set(limits(bot, commands["imagine"]))
        assert {"hourly limit", "painting channels"} <= set(limits(bot, strong.callback))
        assert "painting channels" not in limits(bot, details.callback)
        assert not limits(bot, commands["help"])
