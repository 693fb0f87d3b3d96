"""The models that were added while the program was running."""

import aiosqlite

from engine.settings import ModelSettings
from engine.store.database import Database
from engine.store.unreadable import readable


class ModelTable:
    """The settings of each added model, by its name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, ModelSettings]:
        """The added models, in the order in which they were added."""
        rows = await self._database.read("SELECT name, settings FROM models ORDER BY rowid")
        return dict(readable("added model", rows, _model))

    async def save(self, name: str, settings: ModelSettings) -> None:
        """Store a model; one of the same name is replaced."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO models (name, settings) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET settings = excluded.settings",
                (name, settings.model_dump_json(exclude_none=True)),
            )

    async def delete(self, name: str) -> None:
        """Delete the model of that name."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM models WHERE name = ?", (name,))


def _model(row: aiosqlite.Row) -> tuple[str, ModelSettings]:
    name, settings = row
    return name, ModelSettings.model_validate_json(settings)
