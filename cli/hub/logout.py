"""`hub logout`: deletes the tokens of the Hub."""

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.settings import Settings
from engine.hub.account import log_out, token_place
from engine.hub.errors import TOKENS
from engine.models.origins import hub_of


def logout(settings: Settings) -> None:
    """Delete all tokens from the store.

    Raises:
        CommandError: When they can't be deleted.
    """
    try:
        names = log_out()
    except OSError as error:
        raise CommandError(Exit.OUTPUT, f"The tokens can't be deleted: {error}.") from error
    if names:
        out.print(f"✓ Logged out: {', '.join(names)}.", style="green")
        out.print(f"The Hub still accepts what was stored elsewhere. To revoke tokens: {TOKENS}")
    else:
        out.print("You weren't logged in.")
    if place := token_place(hub_of(settings.engine)):
        out.print(f"{place} is still used.", style="bold")
