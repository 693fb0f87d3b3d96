"""One loopback Discord per test, with a guild, a channel, two people and a bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.discord_server import Channel, DiscordServer, Guild, Member

from .painter_bot import PainterBot, Script, running


@dataclass
class Scene:
    """Everything a test needs."""

    discord: DiscordServer
    bot: PainterBot
    guild: Guild
    art: Channel
    alice: Member
    bob: Member

    def act(self, script: Script) -> Script:
        """Decorates what ``/act`` is to do."""
        self.bot.act = script
        return script


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A quick scene: a third of the time to acknowledge, answers checked against OpenAPI."""
    async with DiscordServer(acknowledge_within=1, check_answers=True) as discord:
        guild = discord.add_guild("Painters")
        art = guild.add_channel("art")
        alice, bob = guild.add_member("alice"), guild.add_member("bob", locale="zh-CN")
        async with running(discord) as bot:
            yield Scene(discord, bot, guild, art, alice, bob)
        assert not bot.errors
