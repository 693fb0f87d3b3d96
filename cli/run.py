"""`run`: the bot itself."""

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.errors import CommandError
from cli.exits import Exit
from cli.logs import blotted, start_logging
from cli.settings import Settings
from cli.signals import on_signal
from cli.token import TokenMissing, TokenRefused
from engine import open_studio

if TYPE_CHECKING:
    from cogs import Atelier

log = logging.getLogger("atelier")

AUTHENTICATION_FAILED = 4004
"""The gateway's close code for a token that is no longer good."""


def run(settings: Settings) -> None:
    """Run the bot until a signal ends it.

    Raises:
        CommandError: When the token is missing or refused, or Discord cannot be reached.
        DeviceUnavailable: When this machine has no such device as the settings name.
        StorageError: When the data folder cannot be used.
    """
    if settings.discord.token is None:
        raise TokenMissing
    token = settings.discord.token.get_secret_value()
    secrets = secrets_of(settings)
    start_logging(logging.INFO, secrets)
    log.info("Waking up")
    # Importing torch holds the interpreter for seconds. Done here, before there is a loop, it
    # never keeps the gateway's heartbeat waiting.
    from engine.diffusion import Device

    Device.choose(settings.engine)
    try:
        asyncio.run(_serve(settings, token))
    except CommandError as error:
        raise CommandError(error.code, blotted(str(error), secrets)) from None
    log.info("Good night")


def secrets_of(settings: Settings) -> list[str]:
    """What must not be shown: the token, and the password on the way to the proxy."""
    token, proxy = settings.discord.token, settings.discord.proxy
    password = urlsplit(proxy).password if proxy else None
    return [secret for secret in (token and token.get_secret_value(), password) if secret]


async def _serve(settings: Settings, token: str) -> None:
    """Open the studio, and the bot within it: the bot uses the studio's store to its last word.

    On the way out the bot itself stops the studio's work while it can still show what came of it;
    then it closes, and the store goes last.
    """
    import discord

    from cogs import Atelier

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
            ) as studio,
            Atelier(studio, settings.discord, settings.limits) as bot,
        ):
            await _listen(bot, token, stop)


async def _listen(bot: "Atelier", token: str, stop: asyncio.Event) -> None:
    """Serve Discord until `stop` is set, then let the bot leave in order.

    Raises:
        CommandError: When Discord refuses the token, or cannot be reached.
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
        raise CommandError(Exit.UNREACHABLE, f"Discord has hung up: {error}") from error
    except (aiohttp.ClientError, OSError, discord.HTTPException, discord.GatewayNotFound) as error:
        raise CommandError(Exit.UNREACHABLE, f"Discord cannot be reached: {error}") from error
