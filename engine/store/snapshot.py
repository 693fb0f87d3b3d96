"""Copies of the database for backups, and the check of one that comes from a backup."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.errors import StorageError
from engine.store.expired_tokens import TABLES
from engine.store.schema import STEPS
from speech import say

NEWEST_SCHEMA = len(STEPS)
"""The number of the newest schema that this program knows."""

TOKENS = {"preferences": "value"} | dict.fromkeys(TABLES, "home")
"""The columns whose JSON can have an interaction's token in it, under the key `token`."""

SIDES = ("-wal", "-shm", "-journal")
"""How the names of the files end that SQLite keeps beside a database."""


def copy_database(source: Path, target: Path, *, tokens: bool) -> int:
    """Copy a database as it is at one moment, also while a bot writes to it. Blocks.

    SQLite's backup takes all pages within one read transaction, which holds up no writer in WAL
    mode (https://www.sqlite.org/backup.html).

    Args:
        source: The database; it is only read.
        target: The file to write.
        tokens: Whether the copy keeps interactions' tokens.

    Returns:
        The number of its schema.

    Raises:
        StorageError: When it can't be read or written, or a newer version has written it.
    """
    try:
        with closing(_connect(source)) as original, closing(sqlite3.connect(target)) as copy:
            schema = _schema(original)
            if schema > NEWEST_SCHEMA:
                raise StorageError(
                    say("The database {path} was written by a newer version.", path=source)
                )
            original.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
            copy.execute("PRAGMA secure_delete=ON")
            if not tokens:
                _erase_tokens(copy)
    except sqlite3.Error as error:
        raise StorageError(
            say("The database {path} can't be copied: {reason}.", path=source, reason=str(error))
        ) from error
    return schema


def check_database(file: Path) -> int:
    """Check every page and row of a database that nothing uses; the number of its schema. Blocks.

    Raises:
        StorageError: When it is damaged, or isn't one of ours.
    """
    try:
        with closing(_connect(file)) as database:
            [(found,)] = database.execute("PRAGMA integrity_check(1)").fetchall()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
            return _schema(database)
    except sqlite3.Error as error:
        raise StorageError(
            say("The database can't be read: {reason}.", reason=str(error))
        ) from error


def _connect(file: Path) -> sqlite3.Connection:
    """Open a database that exists."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=30)


def _schema(database: sqlite3.Connection) -> int:
    [(number,)] = database.execute("SELECT coalesce(max(number), 0) FROM schema_steps").fetchall()
    if not isinstance(number, int):
        raise sqlite3.DatabaseError("its schema has no number")
    return number


def _erase_tokens(database: sqlite3.Connection) -> None:
    """Leave no interaction's token; older schemas lack some of the tables."""
    rows = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    there = {name for (name,) in rows}
    database.create_function("without_tokens", 1, _without_tokens, deterministic=True)
    with database:
        for table in TOKENS.keys() & there:
            column = TOKENS[table]
            database.execute(
                f"UPDATE {table} SET {column} = without_tokens({column}) "
                f"WHERE {column} LIKE '%\"token\"%'"
            )
        if "acts" in there:
            database.execute("DELETE FROM acts")


def _without_tokens(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    return json.dumps(_blank_tokens(value))


def _blank_tokens(value: Any) -> Any:
    match value:
        case dict():
            return {key: "" if key == "token" else _blank_tokens(x) for key, x in value.items()}
        case list():
            return [_blank_tokens(each) for each in value]
    return value
