"""`run`: runs the bot."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.backup.swap import finish_swaps
from cli.errors import CommandError
from cli.exits import Exit
from cli.log_file import log_file
from cli.logs import redacted, start_logging
from cli.reach import discord_reached
from cli.service.heartbeat import Heartbeat
from cli.settings import Settings
from cli.signals import on_hangup, on_signal
from cli.token import TokenMalformed, TokenMissing, TokenRefused, application_id
from cli.web.recent_problems import RecentProblems
from engine import AtelierError, Tasks, lock_folder, open_studio

if TYPE_CHECKING:
    from cogs import Atelier
    from cogs.reloading import Reload
    from engine import Studio

log = logging.getLogger("atelier")

AUTHENTICATION_FAILED = 4004
"""The gateway's close code for an invalid token."""


def run(settings: Settings, config: Path | None) -> None:
    """Run the bot until a signal stops it.

    Args:
        settings: The settings.
        config: Their file, as for `load_settings`, to read it again.

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
    start_logging(settings.log.number, secrets, as_json=settings.log.format == "json")
    folder = settings.storage.path
    problems = RecentProblems(partial(redacted, secrets=secrets))
    with lock_folder(folder), log_file(settings.log, folder, secrets):
        logging.getLogger().addHandler(problems)
        finish_swaps(folder)
        try:
            asyncio.run(_serve(settings, token, config, problems))
        except CommandError as error:
            raise CommandError(error.code, redacted(str(error), secrets)) from None
        log.info("Stopped")


def secrets_of(settings: Settings) -> list[str]:
    """What must never be shown: tokens and the proxy's password."""
    token, proxy = settings.discord.token, settings.discord.proxy
    secrets = (
        token and token.get_secret_value(),
        urlsplit(proxy).password if proxy else None,
        settings.engine.plain_hub_token,
        settings.engine.plain_civitai_token,
        settings.web.plain_token,
    )
    return [secret for secret in secrets if secret]


async def _serve(
    settings: Settings, token: str, config: Path | None, problems: RecentProblems
) -> None:
    """Open the studio, then the bot inside it.

    On shutdown the bot stops the studio's work first, while it can still post results; then the
    bot closes, and the studio's database last.
    """
    stop, heartbeat, tasks = asyncio.Event(), Heartbeat(), Tasks()
    opened: asyncio.Future[Reload] = asyncio.get_running_loop().create_future()

    def stop_asked() -> None:
        heartbeat.stopping()
        stop.set()

    async def reload() -> None:
        read_again = await opened
        with heartbeat.reloading():
            try:
                await read_again()
            except AtelierError as error:
                log.error("The settings stay as they were: %s", error)

    def reload_asked() -> None:
        if not stop.is_set():
            tasks.start(reload(), "reload the settings")

    # From here on a signal finds somebody who hears it; what follows takes seconds.
    with on_signal(stop_asked), on_hangup(reload_asked, stop_asked):
        log.info("Starting")
        import discord

        from cli.page import serve_page
        from cli.reload.reloader import Reloader
        from cogs import Atelier
        from cogs.outages import OutageFilter

        outages = OutageFilter()
        for handler in logging.getLogger().handlers:
            handler.addFilter(outages)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        async with (
            heartbeat,
            open_studio(
                settings.engine,
                settings.models,
                settings.storage.path,
                settings.limits.queue_size,
                settings.adapters,
                storage=settings.storage,
                safety=settings.safety,
                upscalers=settings.upscalers,
                ip_adapters=settings.ip_adapters,
                background=settings.background,
                describe=settings.describe,
                prompts=settings.prompts,
                controls=settings.controls,
                maps=settings.maps,
                training=settings.training,
                cluster=settings.cluster,
                locked=True,
                isolated=True,
            ) as studio,
            Atelier(studio, settings.discord, settings.limits) as bot,
            serve_page(settings, studio, bot, problems) as health_url,
        ):
            bot.reload = Reloader(config, settings, studio, bot).reload
            opened.set_result(bot.reload)
            heartbeat.ready_when(bot.is_ready, health_url)
            # Beside the login, since importing torch takes seconds.
            device = asyncio.create_task(_require_device(studio, stop), name="check the device")
            try:
                if await discord_reached(settings.discord, stop):
                    await _listen(bot, token, stop)
                else:
                    await bot.close()
            finally:
                stop.set()
                device.cancel()
                await asyncio.wait([device])
                await tasks.join()
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
