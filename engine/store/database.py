"""The database connection: opened once, migrated, and closed in order."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiosqlite

from engine.errors import StorageError
from engine.private_files import private_file, private_folder, restrict
from engine.store.schema import migrate
from speech import say

log = logging.getLogger(__name__)

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a queued job survives a power failure
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA secure_delete=ON",  # what is erased leaves nothing behind in the file
)


MAX_INTEGER = 2**63 - 1
"""The largest number that SQLite stores."""

IN_MEMORY = Path(":memory:")
"""SQLite's name for a database without a file."""


class Database:
    """One SQLite file with one writer. Use it as `async with Database(path) as database`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None

    async def __aenter__(self) -> Self:
        """Open the file, or create it.

        Raises:
            StorageError: When the folder can't be written to, the file isn't a database, or a
                newer version of the program has written it.
        """
        try:
            if self._path != IN_MEMORY:
                _make_private(self._path)
            self._connection = await aiosqlite.connect(self._path, isolation_level=None)
            self._connection.text_factory = _text
            for pragma in PRAGMAS:
                await self._connection.execute(pragma)
            await migrate(self._connection)
        except (sqlite3.Error, OSError) as error:
            await self.__aexit__()
            raise StorageError(
                say(
                    "The database {path} can't be opened: {reason}.",
                    path=self._path,
                    reason=str(error),
                )
            ) from error
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._writing:  # what is being written ends first
            connection, self._connection = self._connection, None
            if connection is not None:
                try:
                    await connection.close()
                except sqlite3.Error as error:
                    log.warning("The database can't be closed in order: %s", error)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """A write transaction: committed at the end, rolled back if an exception is raised.

        The connection's thread runs statements in the order in which they were sent, even those
        whose caller was cancelled meanwhile. So the rollback at the end, which does nothing after
        a commit, always finds the transaction that it has to undo.

        Raises:
            StorageError: When the database can't be written to.
        """
        async with self._writing:
            connection = self._open()
            try:
                await connection.execute("BEGIN IMMEDIATE")
                yield connection
                await connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise StorageError(
                    say("The database can't be written to: {reason}.", reason=str(error))
                ) from error
            finally:
                await _roll_back(connection)

    async def read(self, sql: str, *parameters: object) -> list[aiosqlite.Row]:
        """The rows that a SELECT finds.

        Raises:
            StorageError: When the database can't be read.
        """
        async with self._writing:
            try:
                given = tuple(map(_within_64_bits, parameters))
                return list(await self._open().execute_fetchall(sql, given))
            except sqlite3.Error as error:
                raise StorageError(
                    say("The database can't be read: {reason}.", reason=str(error))
                ) from error

    async def checkpoint(self) -> None:
        """Move everything written into the file itself, and empty the one beside it."""
        async with self._writing:
            try:
                await self._open().execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                log.warning("The database can't be tidied up: %s", error)

    def _open(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise StorageError(say("The database is closed."))
        return self._connection


def _within_64_bits(value: object) -> object:
    """The value as SQLite can compare it; a larger number is one that no row has."""
    return min(max(value, -MAX_INTEGER), MAX_INTEGER) if isinstance(value, int) else value


async def _roll_back(connection: aiosqlite.Connection) -> None:
    """Undo the transaction, if there is one. On a full disk SQLite may have done so itself."""
    try:
        await connection.rollback()
    except sqlite3.Error as error:
        log.warning("A transaction can't be rolled back: %s", error)


def _make_private(path: Path) -> None:
    private_folder(path.parent)
    private_file(path)  # SQLite gives the files beside it the same permissions
    for suffix in ("-wal", "-shm"):
        restrict(path.with_name(path.name + suffix))


def _text(value: bytes) -> str:
    """Stored text; damaged bytes of one value don't make a whole list unreadable."""
    return value.decode(errors="replace")
