"""Whether `init` installs a service."""

import shutil
import sys

import typer

from cli.errors import CommandError
from cli.exits import Exit
from cli.init.account import Account
from cli.init.answers import Answers
from cli.service.install import MANAGERS


def service_wanted(given: Answers, account: Account) -> bool:
    """Whether a service is to be installed; nobody is asked where there can be none.

    Raises:
        CommandError: One is asked for on the command line, and there can be none.
        typer.Abort: On Ctrl-C, or at the end of the input.
    """
    manager = MANAGERS.get(sys.platform)
    lacks = ""
    if account.token is None:
        lacks = "A service needs the bot's token in the settings file."
    elif manager is None or not shutil.which(manager.program):
        program = manager.program if manager else "service manager"
        lacks = f"There's no {program} here to install a service with."
    if given.service and lacks:
        raise CommandError(Exit.SERVICE, lacks)
    if given.service is None and given.asks and not lacks:
        return typer.confirm(
            "\nInstall a service that starts the bot by itself from now on?", default=False
        )
    return bool(given.service)
