"""`invite`: prints the link that adds the bot to a server."""

from urllib.parse import urlencode

from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.settings import Settings
from cli.token import TokenMissing, application_id
from cogs.policy.permissions import REQUIRED_PERMISSIONS, permission_name


def show_invite(settings: Settings, client_id: int | None) -> None:
    """Print the link, and nothing else, on standard output.

    Raises:
        CommandError: When neither `client_id` nor the token identifies the bot.
    """
    if client_id is not None and not 0 < client_id < 2**63:
        raise CommandError(
            Exit.USAGE,
            "--client-id is the Application ID from the General Information page, "
            "a number of 17 to 19 digits.",
        )
    if client_id is None:
        token = settings.discord.token
        if token is None:
            raise TokenMissing
        client_id = application_id(token.get_secret_value())
        if client_id is None:
            raise CommandError(
                Exit.TOKEN,
                "Can't read the application's ID from the token. Add --client-id with the "
                "Application ID from the General Information page at "
                "https://discord.com/developers/applications.",
            )
    names = [permission_name(name) for name, needed in REQUIRED_PERMISSIONS if needed]
    err.print(f"Open this link to add the bot to a server. Permissions: {', '.join(names)}.")
    out.print(invite_link(client_id))


def invite_link(application: int) -> str:
    """The link that adds the bot to a server."""
    query = {
        "client_id": application,
        "scope": "bot applications.commands",
        "permissions": REQUIRED_PERMISSIONS.value,
    }
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"
