"""The bot with all of its commands, and neither a network nor a model."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from discord.http import Route

from cogs import Atelier
from cogs.discord_settings import DiscordSettings, LimitSettings
from engine import EngineSettings, ModelSettings, open_studio


@asynccontextmanager
async def offline_bot() -> AsyncIterator[Atelier]:
    """The bot, furnished as when it starts; its tree has the live commands."""
    models = {"model": ModelSettings(source="owner/model")}
    settings = EngineSettings(default_model="model")
    address = Route.BASE
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_studio(settings, models, Path(folder)) as studio,
            Atelier(studio, DiscordSettings(), LimitSettings()) as bot,
        ):
            await bot.add_features()
            yield bot
    Route.BASE = address  # the bot sets it, for all of discord.py
