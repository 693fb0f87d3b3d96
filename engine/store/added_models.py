"""The models and LoRAs that were added while the program was running."""

from typing import Generic, TypeVar

from engine.settings import ModelSettings, Section, StoredAdapter
from engine.store.database import Database
from engine.store.unreadable import readable

S = TypeVar("S", bound=Section)


class _AddedTable(Generic[S]):
    """The settings of each added thing, by its name."""

    _table: str
    _kind: str
    _settings: type[S]

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, S]:
        """What was added, in the order in which it was."""
        rows = await self._database.read(f"SELECT name, settings FROM {self._table} ORDER BY rowid")
        load = self._settings.model_validate_json
        return dict(readable(self._kind, rows, lambda row: (row[0], load(row[1]))))

    async def save(self, name: str, settings: S) -> None:
        """Store one; another of the same name is replaced."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"INSERT INTO {self._table} (name, settings) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET settings = excluded.settings",
                (name, settings.model_dump_json(exclude_none=True)),
            )

    async def delete(self, name: str) -> None:
        """Delete the one of that name."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"DELETE FROM {self._table} WHERE name = ?",
                (name,),
            )


class ModelTable(_AddedTable[ModelSettings]):
    """The settings of each added model, by its name."""

    _table, _kind, _settings = "models", "added model", ModelSettings


class AdapterTable(_AddedTable[StoredAdapter]):
    """The settings of each added LoRA, by its name."""

    _table, _kind, _settings = "adapters", "added LoRA", StoredAdapter
