"""Trying a token at Discord."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.console import err, out
from cli.errors import CommandError, complain
from cli.exits import Exit
from cli.init.answers import Answers
from cli.questions import BadAnswer, ask
from cli.settings import TOKEN_VARIABLE, load_settings
from cli.token import TokenMalformed, TokenRefused, application_id
from cogs.discord_settings import DiscordSettings

SECONDS = 20.0
"""How long Discord may take to answer."""

QUESTION = "Bot token (hidden; leave empty to go on without one)"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is.

    Attributes:
        token: The token; `None` if the settings are written without one.
        application: The application's ID.
        from_environment: Whether the token is that of the environment, where it can stay.
    """

    token: str | None = None
    application: int | None = None
    from_environment: bool = False


class DiscordUnreachable(CommandError):
    """Discord didn't answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(Exit.UNREACHABLE, f"Can't reach Discord to try the token: {reason}.")


def account_for(given: Answers) -> Account:
    """The account that the bot gets: by standard input, the environment, or a question.

    Raises:
        CommandError: Nobody can be asked, and the token that is given can't be one or is rejected.
        typer.Abort: On Ctrl-C, or at the end of the input.
    """
    settings = load_settings(Path(os.devnull)).discord
    known = _from_input() if given.token_stdin else None
    inherited = settings.token.get_secret_value() if settings.token and not known else None
    if (token := known or inherited) is not None:
        try:
            application = _tried(token, settings, given)
            return Account(token, application, from_environment=known is None)
        except CommandError as error:
            if not given.asks:
                raise
            where = f"{TOKEN_VARIABLE} has a token. " if inherited else ""
            complain(f"{where}{error}")
    if not given.asks:
        return Account()
    return ask(QUESTION, lambda answer: _read(answer, settings, given), hide=True)


def _from_input() -> str | None:
    """The token on standard input. Raises `CommandError` without one."""
    if sys.stdin.isatty():
        return None  # it is asked for, and not shown
    if token := sys.stdin.readline().strip():
        return token
    raise CommandError(Exit.TOKEN, "Standard input has no token.")


def _read(answer: str, settings: DiscordSettings, given: Answers) -> Account:
    if not answer:
        return Account()
    try:
        return Account(answer, _tried(answer, settings, given))
    except CommandError as error:
        raise BadAnswer(str(error)) from None


def _tried(token: str, settings: DiscordSettings, given: Answers) -> int:
    """The application of a token that Discord knows, or couldn't be asked about."""
    application = application_id(token)
    if application is None:
        raise TokenMalformed
    if not given.login:
        return application
    try:
        with err.status("Logging in to Discord"):
            name, application = asyncio.run(_log_in(token, settings))
    except DiscordUnreachable as error:
        err.print(f"! {error} It is written as it is.", style="yellow")
    else:
        out.print(f"✓ The token is that of {name}.", style="green")
    return application


async def _log_in(token: str, settings: DiscordSettings) -> tuple[str, int]:
    """The bot's name, and its application's ID. Raises `TokenRefused` and `DiscordUnreachable`."""
    import aiohttp
    import discord
    from discord.http import Route

    Route.BASE = settings.api_url  # one per process, as in `cogs.bot`
    client = discord.Client(intents=discord.Intents(guilds=True), proxy=settings.proxy)
    try:
        async with client, asyncio.timeout(SECONDS):
            await client.login(token)
            assert client.user is not None
            assert client.application is not None
            return str(client.user), client.application.id
    except discord.LoginFailure:
        raise TokenRefused from None
    except TimeoutError:
        raise DiscordUnreachable(f"no answer in {SECONDS:.0f} seconds") from None
    except (aiohttp.ClientError, OSError, discord.HTTPException) as error:
        raise DiscordUnreachable(str(error).rstrip(".")) from error
