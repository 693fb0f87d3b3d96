"""`run`: runs the bot."""

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.errors import CommandError
from cli.exits import Exit
from cli.logs import redacted, start_logging
from cli.reach import discord_reached
from cli.settings import Settings
from cli.signals import on_signal
from cli.token import TokenMalformed, TokenMissing, TokenRefused, application_id
from engine import AtelierError, lock_folder, open_studio

if TYPE_CHECKING:
    from cogs import Atelier
    from engine import Studio

log = logging.getLogger("atelier")

AUTHENTICATION_FAILED = 4004
"""The gateway's close code for an invalid token."""


def run(settings: Settings) -> None:
    """Run the bot until a signal stops it.

    Raises:
        CommandError: When the token is missing or rejected, or Discord is unreachable.
        DeviceUnavailable: When this machine doesn't have the configured device.
        StorageError: When the data folder is unusable.
    """
    if settings.discord.token is None:
        raise TokenMissing
    token = settings.discord.token.get_secret_value()
    if application_id(token) is None:
        raise TokenMalformed
    secrets = secrets_of(settings)
    start_logging(logging.INFO, secrets)
    log.info("Starting")
    with lock_folder(settings.storage.path):  # first: a second bot is told at once
        try:
            asyncio.run(_serve(settings, token))
        except CommandError as error:
            raise CommandError(error.code, redacted(str(error), secrets)) from None
    log.info("Stopped")


def secrets_of(settings: Settings) -> list[str]:
    """What must never be shown: the token and the proxy's password."""
    token, proxy = settings.discord.token, settings.discord.proxy
    password = urlsplit(proxy).password if proxy else None
    return [secret for secret in (token and token.get_secret_value(), password) if secret]


async def _serve(settings: Settings, token: str) -> None:
    """Open the studio, then the bot inside it.

    On shutdown the bot stops the studio's work first, while it can still post results; then the
    bot closes, and the studio's database last.
    """
    import discord

    from cogs import Atelier
    from cogs.outages import OutageFilter

    for handler in logging.getLogger().handlers:
        handler.addFilter(OutageFilter())
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    stop = asyncio.Event()
    with on_signal(stop.set):
        async with (
            open_studio(
                settings.engine,
                settings.models,
                settings.storage.path,
                settings.limits.queue_size,
                settings.adapters,
                storage=settings.storage,
                safety=settings.safety,
                locked=True,
                isolated=True,
            ) as studio,
            Atelier(studio, settings.discord, settings.limits) as bot,
        ):
            # Beside the login, since importing torch takes seconds.
            device = asyncio.create_task(_require_device(studio, stop), name="check the device")
            try:
                if await discord_reached(settings.discord, stop):
                    await _listen(bot, token, stop)
                else:
                    await bot.close()
            finally:
                device.cancel()
                await asyncio.wait([device])
    if not device.cancelled():
        device.result()


async def _require_device(studio: "Studio", stop: asyncio.Event) -> None:
    """Stop the bot unless the device of the settings is there. Raises `DeviceUnavailable`."""
    try:
        await studio.model_manager.require_device()
    except AtelierError:
        stop.set()
        raise


async def _listen(bot: "Atelier", token: str, stop: asyncio.Event) -> None:
    """Run the bot until `stop` is set, then close it cleanly.

    Raises:
        CommandError: When Discord rejects the token or is unreachable.
    """
    import aiohttp
    import discord

    serving = asyncio.create_task(bot.start(token), name="discord")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        await bot.close()
        serving.cancel()
        await asyncio.wait([serving])
        return
    stopping.cancel()
    try:
        serving.result()
    except discord.LoginFailure:
        raise TokenRefused from None
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise TokenRefused from None
        raise CommandError(Exit.UNREACHABLE, f"Discord closed the connection: {error}") from error
    except (aiohttp.ClientError, OSError, discord.HTTPException, discord.GatewayNotFound) as error:
        raise CommandError(Exit.UNREACHABLE, f"Can't reach Discord: {error}") from error
