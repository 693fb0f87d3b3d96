"""`hub login`: stores a token of the Hub."""

import sys

import typer

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.hub.errors import hub_errors
from cli.hub.whoami import describe
from cli.settings import Settings
from engine.hub.account import TokenPlace, log_in, token_place
from engine.hub.errors import TOKENS
from engine.models.origins import hub_of

STDIN = "-"


def login(settings: Settings, token: str | None) -> None:
    """Store a token, if the Hub accepts it.

    Args:
        settings: The settings.
        token: `-` to read it from standard input; `None` to ask.

    Raises:
        CommandError: When there is none, the Hub rejects it, or it can't be stored.
    """
    given = _from_input() if token == STDIN else _asked(token)
    hub = hub_of(settings.engine)
    try:
        with hub_errors():
            account = log_in(hub, given)
    except OSError as error:
        raise CommandError(
            Exit.OUTPUT, f"The token can't be stored in {error.filename}: {error.strerror}."
        ) from error
    out.print(f"✓ Logged in as {account.name}.", style="green")
    describe(account)
    place = token_place(hub)
    if place in (TokenPlace.SETTINGS, TokenPlace.ENVIRONMENT):
        out.print(f"But {place} is used instead, while it's set.", style="bold")


def _from_input() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise CommandError(Exit.TOKEN, "Standard input has no token.")
    return token


def _asked(token: str | None) -> str:
    if token is not None:
        raise CommandError(
            Exit.USAGE,
            "A token on the command line can be read by others. Pipe it in with --token -, or "
            "leave the option out to be asked.",
        )
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "There's no terminal to ask on. Use --token - and pipe it.")
    out.print(f"Create a token at {TOKENS}. To publish, it needs the right to write.")
    try:
        return str(typer.prompt("Token (hidden)", hide_input=True)).strip()
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was stored.") from None
