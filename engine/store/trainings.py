"""Trainings and the pictures that were given to them."""

import json
import time
from pathlib import Path
from typing import Any

import aiosqlite

from engine.errors import UnknownJob
from engine.store.database import Database
from engine.store.unreadable import readable
from engine.training.dataset.duplicates import Fingerprint
from engine.training.request import Kind, TrainingRequest
from engine.training.training import UNDER_WAY, CollectedPicture, Training, TrainingState
from speech import Sentence, load_sentence, say

COLUMNS = (
    "id, owner, scope, home, name, model, kind, trigger_words, private, state, created_at, "
    "changed_at, step, goes_on, attempts, error, started_at, ran_at, finished_at, request, "
    "(SELECT json_group_array(json_array(number, caption, width, height, shapes, colours)) "
    "FROM (SELECT * FROM training_pictures WHERE training = trainings.id ORDER BY number))"
)

COLUMN_OF = {"message_ref": "home"}


class TrainingTable:
    """The trainings in the database. Their files are in numbered folders in `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def add(
        self,
        *,
        owner: str,
        scope: str,
        message_ref: Any,
        name: str,
        model: str,
        kind: Kind,
        trigger: str,
        private: bool,
    ) -> Training:
        """Store a new training that collects pictures."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT INTO trainings (owner, scope, home, name, model, kind, "
                "trigger_words, private, state, created_at, changed_at) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
                (
                    *(owner, scope, json.dumps(message_ref), name, model, kind, trigger, private),
                    *(TrainingState.COLLECTING, time.time()),
                ),
            )
        assert cursor.lastrowid is not None
        return await self.get(cursor.lastrowid)

    async def get(self, training_id: int) -> Training:
        """The training of that number. Raises `UnknownJob` when there is none."""
        for training in await self._select("WHERE id = ?", training_id):
            return training
        raise UnknownJob(say("Training {number} doesn't exist.", number=training_id))

    async def of_owner(self, owner: str) -> list[Training]:
        """Those that a person has asked for, newest first."""
        return await self._select("WHERE owner = ? ORDER BY id DESC", owner)

    async def of_scope(self, scope: str) -> list[Training]:
        """Those that were asked for there, newest first."""
        return await self._select("WHERE scope = ? ORDER BY id DESC", scope)

    async def in_states(self, *states: TrainingState) -> list[Training]:
        """Those in one of these states, oldest first."""
        return await self._select(
            "WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id", json.dumps(states)
        )

    async def count_open(self, model: str) -> int:
        """How many trainings on that model were started and aren't over."""
        rows = await self._database.read(
            "SELECT count(*) FROM trainings WHERE model = ? "
            "AND state IN (SELECT value FROM json_each(?))",
            model,
            json.dumps(UNDER_WAY),
        )
        return int(rows[0][0])

    async def started_since(self, owner: str, since: float) -> list[float]:
        """When a person's trainings were started since then, also removed ones, in order."""
        rows = await self._database.read(
            "SELECT started_at FROM trainings WHERE owner = ?1 AND started_at > ?2 UNION ALL "
            "SELECT started_at FROM removed_trainings WHERE owner = ?1 AND started_at > ?2 "
            "ORDER BY started_at",
            owner,
            since,
        )
        return [at for (at,) in rows]

    async def last_turns(self) -> dict[str, float]:
        """When each owner's trainings, also removed ones, last had the device."""
        rows = await self._database.read(
            "SELECT owner, max(ran_at) FROM (SELECT owner, ran_at FROM trainings UNION ALL "
            "SELECT owner, ran_at FROM removed_trainings) WHERE ran_at IS NOT NULL GROUP BY owner"
        )
        return {row[0]: row[1] for row in rows}

    async def set(self, training_id: int, **values: Any) -> Training:
        """Change attributes of a training that have a column."""
        columns = ", ".join(f"{COLUMN_OF.get(name, name)} = ?" for name in values)
        stored = (_stored(name, value) for name, value in values.items())
        async with self._database.transaction() as connection:
            await connection.execute(
                f"UPDATE trainings SET {columns} WHERE id = ?", (*stored, training_id)
            )
        return await self.get(training_id)

    async def delete(self, training_id: int, counted_since: float) -> None:
        """Delete a training with its pictures' rows; all but when it was started and ran.

        Args:
            training_id: Which.
            counted_since: Of removed ones that were started before it, that is forgotten, too.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO removed_trainings SELECT owner, started_at, ran_at FROM trainings "
                "WHERE id = ? AND started_at IS NOT NULL",
                (training_id,),
            )
            await connection.execute(
                "DELETE FROM removed_trainings WHERE started_at <= ?", (counted_since,)
            )
            await connection.execute("DELETE FROM trainings WHERE id = ?", (training_id,))

    async def add_picture(self, training_id: int, picture: CollectedPicture) -> Training:
        """Store what is known of a picture."""
        shapes, colours = picture.fingerprint
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO training_pictures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(training_id, picture.number, picture.caption, picture.width, picture.height),
                    *(f"{shapes:016x}", colours.hex()),
                ),
            )
            await _note_change(connection, training_id)
        return await self.get(training_id)

    async def set_caption(self, training_id: int, number: int, caption: str) -> Training:
        """Change a picture's caption."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE training_pictures SET caption = ? WHERE training = ? AND number = ?",
                (caption, training_id, number),
            )
            await _note_change(connection, training_id)
        return await self.get(training_id)

    async def remove_pictures(self, training_id: int, *numbers: int) -> Training:
        """Forget pictures."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM training_pictures WHERE training = ? "
                "AND number IN (SELECT value FROM json_each(?))",
                (training_id, json.dumps(numbers)),
            )
            await _note_change(connection, training_id)
        return await self.get(training_id)

    async def _select(self, where: str, *values: object) -> list[Training]:
        rows = await self._database.read(f"SELECT {COLUMNS} FROM trainings {where}", *values)
        return readable("training", rows, self._training)

    def _training(self, row: aiosqlite.Row) -> Training:
        training_id, owner, scope, message_ref, name, model, kind, trigger, private = row[:9]
        state, created_at, changed_at, step, goes_on, attempts, error = row[9:16]
        started_at, ran_at, finished_at, request, pictures = row[16:]
        folder = self._folder / str(training_id)
        return Training(
            id=training_id,
            owner=owner,
            scope=scope,
            message_ref=json.loads(message_ref),
            name=name,
            model=model,
            kind=Kind(kind),
            trigger=trigger,
            private=bool(private),
            state=TrainingState(state),
            created_at=created_at,
            changed_at=changed_at,
            folder=folder,
            step=step,
            goes_on=bool(goes_on),
            attempts=attempts,
            error=error and load_sentence(error),
            started_at=started_at,
            ran_at=ran_at,
            finished_at=finished_at,
            request=TrainingRequest.from_json(json.loads(request)) if request else None,
            pictures=tuple(
                CollectedPicture(
                    number=number,
                    file=folder / "pictures" / f"{number:04}.png",
                    caption=caption,
                    width=width,
                    height=height,
                    fingerprint=Fingerprint(int(shapes, 16), bytes.fromhex(colours)),
                )
                for number, caption, width, height, shapes, colours in json.loads(pictures)
            ),
        )


async def _note_change(connection: aiosqlite.Connection, training_id: int) -> None:
    await connection.execute(
        "UPDATE trainings SET changed_at = ? WHERE id = ?", (time.time(), training_id)
    )


def _stored(name: str, value: Any) -> Any:
    match value:
        case _ if name == "message_ref":
            return json.dumps(value)
        case TrainingRequest():
            return json.dumps(value.to_json())
        case Sentence():
            return value.to_json()
    return value
