"""The models that the bot would have, for commands that do without it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from cli.errors import CommandError
from cli.exits import Exit
from cli.settings import Settings
from engine import (
    Catalogue,
    DeviceFacts,
    InvalidModel,
    ModelManager,
    ModelUnavailable,
    UnknownModel,
    added_models,
    open_model_manager,
)


async def catalogue_of(settings: Settings) -> Catalogue:
    """The configured models, and those added by command. Raises `StorageError`."""
    catalogue = Catalogue(settings.models, settings.engine.default_model)
    catalogue.restore(await added_models(settings.storage.path))
    return catalogue


@asynccontextmanager
async def open_model_manager_of(
    settings: Settings, *, create: bool = False, facts: DeviceFacts | None = None
) -> AsyncIterator[tuple[ModelManager, Catalogue]]:
    """A curator on the bot's data folder, also beside a running bot; and its catalogue.

    Args:
        settings: The settings.
        create: Whether to make the database if there is none.
        facts: Of a device that this machine need not have.

    Raises:
        CommandError: When a model cannot be had, added or removed.
        StorageError: When the data folder cannot be used.
    """
    with _of_models():
        async with open_model_manager(
            settings.engine,
            settings.models,
            settings.storage.path,
            create=create,
            facts=(lambda: facts) if facts else None,
        ) as opened:
            yield opened


@contextmanager
def _of_models() -> Iterator[None]:
    """What is wrong with a model has an exit code of its own."""
    try:
        yield
    except (InvalidModel, ModelUnavailable, UnknownModel) as error:
        raise CommandError(Exit.MODEL, str(error)) from error
