"""`hub whoami`: whose token it is."""

from cli.console import out
from cli.hub.errors import hub_errors
from cli.settings import Settings
from engine.hub.account import Account, account_of, token_place
from engine.models.origins import hub_of

ROLES = {
    "read": "read only",
    "write": "read and write",
    "fineGrained": "fine-grained, see its rights on the Hub",
}


def whoami(settings: Settings) -> None:
    """Print the account, and what its token may do.

    Raises:
        CommandError: When there's no token, or the Hub rejects it or can't be reached.
    """
    hub = hub_of(settings.engine)
    with hub_errors():
        account = account_of(hub)
    out.print(account.name, style="bold")
    describe(account)
    out.print(f"  from          {token_place(hub)}")


def describe(account: Account) -> None:
    """Print what is known of an account below its name; never the token."""
    if account.organizations:
        out.print(f"  organizations {', '.join(account.organizations)}")
    role = ROLES.get(account.role, account.role)
    if words := ", ".join(part for part in (account.token_name, role) if part):
        out.print(f"  token         {words}")
