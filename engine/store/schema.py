"""The schema, as numbered steps that are each applied once."""

import time

import aiosqlite

from engine.errors import StorageError
from speech import say

MEASUREMENTS_WITH_TIMINGS = """
    CREATE TABLE new_measurements (
        model        TEXT NOT NULL,
        device       TEXT NOT NULL,
        plan_key     TEXT NOT NULL,
        stage        TEXT NOT NULL,
        dtype        TEXT NOT NULL,
        tile_side    INTEGER NOT NULL,
        width        INTEGER NOT NULL,
        height       INTEGER NOT NULL,
        batch        INTEGER NOT NULL,
        weight_bytes INTEGER NOT NULL,
        peak_bytes   INTEGER,
        usable_bytes INTEGER NOT NULL,
        seconds      REAL NOT NULL,
        failed       INTEGER NOT NULL,
        PRIMARY KEY (model, device, plan_key, stage, width, height, batch, failed)
    ) STRICT;
    INSERT INTO new_measurements SELECT * FROM measurements ORDER BY rowid;
    INSERT INTO new_measurements
        SELECT model, '', '', iif(rows = 0, 'load', 'step'), '', 0, width, height, max(rows, 1),
            0, NULL, 0, seconds, 0
        FROM timings;
    DROP TABLE measurements;
    DROP TABLE timings;
    ALTER TABLE new_measurements RENAME TO measurements;
    """
"""Step times used to have a table of their own, without device and plan."""

UNCOUNTED_WEIGHTS = """
    DELETE FROM measurements WHERE failed = 1;
    UPDATE measurements SET peak_bytes = NULL;
    """
"""Peaks used to be counted while weights of the stage before were still on the device, and failures
judged by plans made of such peaks. Seconds stay."""

ADDED_LORAS = """
    CREATE TABLE adapters (
        name        TEXT PRIMARY KEY,
        settings    TEXT NOT NULL
    ) STRICT;
    """

TRAININGS = """
    CREATE TABLE trainings (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        owner         TEXT NOT NULL,
        scope         TEXT NOT NULL,
        home          TEXT NOT NULL,
        name          TEXT NOT NULL,
        model         TEXT NOT NULL,
        kind          TEXT NOT NULL,
        trigger_words TEXT NOT NULL,
        private       INTEGER NOT NULL,
        state         TEXT NOT NULL,
        created_at    REAL NOT NULL,
        step          INTEGER NOT NULL DEFAULT 0,
        goes_on       INTEGER NOT NULL DEFAULT 0,
        attempts      INTEGER NOT NULL DEFAULT 0,
        error         TEXT,
        started_at    REAL,
        finished_at   REAL,
        request       TEXT
    ) STRICT;
    CREATE INDEX trainings_of_owner ON trainings (owner, started_at);
    CREATE INDEX trainings_of_scope ON trainings (scope);
    CREATE TABLE training_pictures (
        training    INTEGER NOT NULL REFERENCES trainings (id) ON DELETE CASCADE,
        number      INTEGER NOT NULL,
        caption     TEXT NOT NULL,
        width       INTEGER NOT NULL,
        height      INTEGER NOT NULL,
        shapes      TEXT NOT NULL,
        colours     TEXT NOT NULL,
        PRIMARY KEY (training, number)
    ) STRICT;
    """

REMOVED_TRAININGS = """
    CREATE TABLE removed_trainings (
        owner       TEXT NOT NULL,
        started_at  REAL NOT NULL
    ) STRICT;
    CREATE INDEX removed_trainings_of_owner ON removed_trainings (owner, started_at);
    """
"""When trainings were started that are gone: they still count."""

TURNS = """
    ALTER TABLE trainings ADD COLUMN ran_at REAL;
    UPDATE trainings SET ran_at = started_at WHERE step > 0 OR attempts > 0;
    ALTER TABLE removed_trainings ADD COLUMN ran_at REAL;
    UPDATE removed_trainings SET ran_at = started_at;
    """
"""When trainings last had the device."""

CHANGES = """
    ALTER TABLE trainings ADD COLUMN changed_at REAL NOT NULL DEFAULT 0;
    UPDATE trainings SET changed_at = (julianday('now') - 2440587.5) * 86400;
    """
"""When the pictures of trainings were last changed, which isn't known of older ones."""

WORKERS = """
    CREATE TABLE workers (
        name        TEXT PRIMARY KEY,
        paused      INTEGER NOT NULL DEFAULT 0,
        card        TEXT,
        program     TEXT,
        seen_at     REAL
    ) STRICT;
    ALTER TABLE jobs ADD COLUMN device TEXT;
    ALTER TABLE outcomes ADD COLUMN device TEXT;
    DROP TRIGGER job_ended;
    CREATE TRIGGER job_ended AFTER UPDATE OF state ON jobs
    WHEN new.state IN ('painted', 'failed')
    BEGIN
        DELETE FROM outcomes WHERE at < (julianday('now') - 2440587.5) * 86400 - 86400;
        INSERT OR REPLACE INTO outcomes VALUES (
            new.id,
            (julianday('now') - 2440587.5) * 86400,
            new.state,
            json_extract(new.recipe, '$.count'),
            new.error,
            new.device
        );
    END;
    """

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE jobs (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        owner       TEXT NOT NULL,
        home        TEXT NOT NULL,
        recipe      TEXT NOT NULL,
        state       TEXT NOT NULL,
        created_at  REAL NOT NULL,
        error       TEXT,
        attempts    INTEGER NOT NULL DEFAULT 0,
        settled     INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX jobs_open ON jobs (id) WHERE settled = 0;
    CREATE INDEX jobs_of_owner ON jobs (owner, id);
    CREATE TABLE pictures (
        job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number      INTEGER NOT NULL,
        file        TEXT NOT NULL,
        PRIMARY KEY (job_id, number)
    ) STRICT;
    CREATE TABLE usage (
        job_id      INTEGER PRIMARY KEY,
        owner       TEXT NOT NULL,
        at          REAL NOT NULL,
        pictures    INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX usage_of_owner ON usage (owner, at);
    CREATE TABLE preferences (
        scope       TEXT NOT NULL,
        key         TEXT NOT NULL,
        value       TEXT NOT NULL,
        PRIMARY KEY (scope, key)
    ) STRICT;
    CREATE TABLE timings (
        model       TEXT NOT NULL,
        width       INTEGER NOT NULL,
        height      INTEGER NOT NULL,
        rows        INTEGER NOT NULL,
        seconds     REAL NOT NULL,
        PRIMARY KEY (model, width, height, rows)
    ) STRICT;
    """,
    """
    CREATE TABLE models (
        name        TEXT PRIMARY KEY,
        settings    TEXT NOT NULL
    ) STRICT;
    CREATE TABLE measurements (
        model        TEXT NOT NULL,
        device       TEXT NOT NULL,
        plan_key     TEXT NOT NULL,
        stage        TEXT NOT NULL,
        dtype        TEXT NOT NULL,
        tile_side    INTEGER NOT NULL,
        width        INTEGER NOT NULL,
        height       INTEGER NOT NULL,
        batch        INTEGER NOT NULL,
        weight_bytes INTEGER NOT NULL,
        peak_bytes   INTEGER NOT NULL,
        usable_bytes INTEGER NOT NULL,
        seconds      REAL NOT NULL,
        failed       INTEGER NOT NULL,
        PRIMARY KEY (model, device, plan_key, stage, width, height, batch, failed)
    ) STRICT;
    """,
    """
    ALTER TABLE jobs ADD COLUMN parent_job INTEGER;
    ALTER TABLE jobs ADD COLUMN parent_number INTEGER;
    """,
    """
    ALTER TABLE jobs ADD COLUMN prompt TEXT
        GENERATED ALWAYS AS (json_extract(recipe, '$.prompt')) VIRTUAL;
    ALTER TABLE jobs ADD COLUMN model TEXT
        GENERATED ALWAYS AS (json_extract(recipe, '$.model')) VIRTUAL;
    DROP INDEX jobs_of_owner;
    CREATE INDEX jobs_found ON jobs (owner, id, state, created_at, model, prompt);
    CREATE TABLE favourites (
        owner       TEXT NOT NULL,
        job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        added_at    REAL NOT NULL,
        PRIMARY KEY (owner, job_id)
    ) STRICT;
    CREATE INDEX favourites_of_job ON favourites (job_id);
    CREATE TABLE gallery_posts (
        scope       TEXT NOT NULL,
        job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        channel_id  INTEGER NOT NULL,
        message_id  INTEGER,
        PRIMARY KEY (job_id, scope)
    ) STRICT;
    CREATE TABLE searches (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        owner       TEXT NOT NULL,
        search      TEXT NOT NULL,
        used_at     REAL NOT NULL,
        UNIQUE (owner, search)
    ) STRICT;
    """,
    """
    CREATE TABLE outcomes (
        job_id      INTEGER PRIMARY KEY,
        at          REAL NOT NULL,
        state       TEXT NOT NULL,
        pictures    INTEGER NOT NULL,
        error       TEXT
    ) STRICT;
    CREATE INDEX outcomes_at ON outcomes (at);
    CREATE TRIGGER job_ended AFTER UPDATE OF state ON jobs
    WHEN new.state IN ('painted', 'failed')
    BEGIN
        DELETE FROM outcomes WHERE at < (julianday('now') - 2440587.5) * 86400 - 86400;
        INSERT OR REPLACE INTO outcomes VALUES (
            new.id,
            (julianday('now') - 2440587.5) * 86400,
            new.state,
            json_extract(new.recipe, '$.count'),
            new.error
        );
    END;
    """,
    """
    CREATE TABLE blocks (
        scope       TEXT NOT NULL,
        user        TEXT NOT NULL,
        reason      TEXT NOT NULL,
        by          TEXT NOT NULL,
        at          REAL NOT NULL,
        until       REAL,
        PRIMARY KEY (scope, user)
    ) STRICT;
    CREATE TABLE deeds (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        scope       TEXT NOT NULL,
        at          REAL NOT NULL,
        by          TEXT NOT NULL,
        what        TEXT NOT NULL
    ) STRICT;
    CREATE INDEX deeds_of_scope ON deeds (scope, id);
    """,
    """
    CREATE TABLE verdicts (
        job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number      INTEGER NOT NULL,
        label       TEXT NOT NULL,
        score       REAL,
        flagged     INTEGER NOT NULL,
        released    INTEGER NOT NULL,
        PRIMARY KEY (job_id, number)
    ) STRICT;
    """,
    """
    CREATE TABLE sheets (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        owner       TEXT NOT NULL,
        home        TEXT NOT NULL,
        layout      TEXT NOT NULL,
        created_at  REAL NOT NULL,
        settled     INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX sheets_open ON sheets (id) WHERE settled = 0;
    ALTER TABLE jobs ADD COLUMN sheet INTEGER;
    ALTER TABLE jobs ADD COLUMN cell INTEGER;
    CREATE INDEX jobs_of_sheet ON jobs (sheet, cell) WHERE sheet IS NOT NULL;
    CREATE TRIGGER cell_removed AFTER DELETE ON jobs
    WHEN old.sheet IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs WHERE sheet = old.sheet)
    BEGIN
        DELETE FROM sheets WHERE id = old.sheet;
    END;
    """,
    """
    CREATE TABLE reviews (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        scope           TEXT NOT NULL,
        owner           TEXT NOT NULL,
        home            TEXT NOT NULL,
        requests        TEXT NOT NULL,
        words           TEXT NOT NULL,
        parent_job      INTEGER,
        parent_number   INTEGER,
        asked_at        REAL NOT NULL,
        decision         TEXT NOT NULL
    ) STRICT;
    CREATE INDEX reviews_waiting ON reviews (scope, owner) WHERE decision = 'waiting';
    """,
    """
    ALTER TABLE reviews ADD COLUMN card_channel INTEGER;
    ALTER TABLE reviews ADD COLUMN card_message INTEGER;
    """,
    # A job knows where it was asked for. For older ones, the place of its message tells: a server,
    # unless only the interaction's token led there and the picture was public, which is how
    # pictures were posted in servers that the bot isn't in. Jobs without a message, as those of
    # the command line, have no scope.
    """
    ALTER TABLE jobs ADD COLUMN scope TEXT NOT NULL DEFAULT '';
    UPDATE jobs SET scope = CASE
        WHEN json_extract(home, '$.guild_id') IS NULL
            OR json_extract(home, '$.leased') = 1
            AND coalesce(json_extract(home, '$.private'), 0) = 0
        THEN 'user:' || owner
        ELSE 'guild:' || json_extract(home, '$.guild_id')
    END
    WHERE json_valid(home) AND json_type(home) = 'object';
    CREATE INDEX jobs_of_scope ON jobs (scope, id, state);
    """,
    MEASUREMENTS_WITH_TIMINGS,
    """
    CREATE TABLE acts (
        id          INTEGER PRIMARY KEY,
        at          REAL NOT NULL,
        act         TEXT NOT NULL,
        progress    TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE overflows (
        model       TEXT NOT NULL,
        device      TEXT NOT NULL,
        stage       TEXT NOT NULL,
        dtype       TEXT NOT NULL,
        PRIMARY KEY (model, device, stage, dtype)
    ) STRICT;
    """,
    UNCOUNTED_WEIGHTS,
    ADDED_LORAS,
    TRAININGS,
    WORKERS,
    REMOVED_TRAININGS,
    TURNS,
    CHANGES,
)


async def migrate(connection: aiosqlite.Connection) -> None:
    """Bring the database to the newest schema.

    Raises:
        StorageError: When a newer version of the program has written the database.
    """
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_steps "
        "(number INTEGER PRIMARY KEY, applied_at REAL NOT NULL) STRICT"
    )
    rows = await connection.execute_fetchall("SELECT coalesce(max(number), 0) FROM schema_steps")
    [(applied,)] = rows
    if applied > len(STEPS):
        raise StorageError(
            say(
                "The database was written by a newer version (schema {applied}; this program "
                "supports up to {known}). Update the program, or point [storage] path at "
                "another folder.",
                applied=applied,
                known=len(STEPS),
            )
        )
    for number, step in enumerate(STEPS[applied:], start=applied + 1):
        await connection.executescript(
            f"BEGIN; {step}; INSERT INTO schema_steps VALUES ({number}, {time.time()}); COMMIT;"
        )
