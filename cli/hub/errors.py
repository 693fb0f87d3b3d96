"""Exit codes of errors of the Hub."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.errors import CommandError
from cli.exits import Exit
from engine.errors import InvalidModel, InvalidRequest, ModelUnavailable, UnknownModel
from engine.hub import HubUnreachable
from engine.hub.publishing_errors import HubTokenError, NotPublished


@contextmanager
def hub_errors() -> Iterator[None]:
    """Give errors of the Hub their own exit codes."""
    try:
        yield
    except HubTokenError as error:
        raise CommandError(Exit.TOKEN, str(error)) from error
    except HubUnreachable as error:
        raise CommandError(Exit.UNREACHABLE, str(error)) from error
    except (NotPublished, InvalidModel, InvalidRequest, ModelUnavailable, UnknownModel) as error:
        raise CommandError(Exit.MODEL, str(error)) from error
