"""The bot's models, for commands that run without it."""

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
from engine.models.licences import Safeguards


async def catalogue_of(settings: Settings) -> Catalogue:
    """The configured models and those added with a command. Raises `StorageError`."""
    catalogue = Catalogue(settings.models, settings.engine.default_model)
    catalogue.restore(await added_models(settings.storage.path))
    return catalogue


def safeguards_of(settings: Settings) -> Safeguards:
    """What the owner does for licences that ask for it."""
    return Safeguards(settings.safety.classifier is not None, settings.storage.metadata)


@asynccontextmanager
async def open_model_manager_of(
    settings: Settings, *, create: bool = False, facts: DeviceFacts | None = None
) -> AsyncIterator[tuple[ModelManager, Catalogue]]:
    """The model manager and catalogue of the bot's data folder; the bot may be running.

    Args:
        settings: The settings.
        create: Whether to create the database if it doesn't exist.
        facts: An imagined device to plan for.

    Raises:
        CommandError: When a model is unavailable, or can't be added or removed.
        StorageError: When the data folder is unusable.
    """
    with _model_errors():
        async with open_model_manager(
            settings.engine,
            settings.models,
            settings.storage.path,
            adapters=settings.adapters,
            create=create,
            read_device=(lambda: facts) if facts else None,
            safeguards=safeguards_of(settings),
        ) as opened:
            yield opened


@contextmanager
def _model_errors() -> Iterator[None]:
    """Give errors about models their own exit code."""
    try:
        yield
    except (InvalidModel, ModelUnavailable, UnknownModel) as error:
        raise CommandError(Exit.MODEL, str(error)) from error
