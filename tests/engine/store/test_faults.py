"""Wrong clocks, rows that can't be read, files that others could read, tokens that have expired."""

import json
import stat
import time
from pathlib import Path

import pytest

from engine.devices.blame import BlameFile
from engine.errors import UnknownJob
from engine.jobs.requester import Requester
from engine.moderation.block import Block
from engine.moderation.word_lists import WordLists
from engine.store import Database, JobTable, ModerationTable
from engine.store.expired_tokens import erase_expired_tokens
from tests.engine.builders import recipe

DAY = 24 * 3600.0


async def test_usage_of_a_clock_that_was_ahead_counts_from_now(
    jobs: JobTable, database: Database
) -> None:
    await jobs.add(Requester(owner="ada"), recipe())
    async with database.transaction() as connection:
        await connection.execute("UPDATE usage SET at = at + ?", (30 * DAY,))
    [(at, _)] = await jobs.used_since("ada", time.time() - 3600)
    assert at <= time.time()
    [(stored,)] = await database.read("SELECT at FROM usage")
    assert stored <= time.time()


async def test_a_block_of_a_clock_that_was_ahead_lasts_as_long_as_it_was_to(
    database: Database,
) -> None:
    table, ahead = ModerationTable(database), time.time() + 30 * DAY
    await table.block("s", Block("ada", "spam", "bob", ahead, ahead + DAY))
    block = await table.blocked("s", "ada")
    assert block is not None
    assert block.until is not None
    assert block.until == pytest.approx(time.time() + DAY, abs=60)


async def test_a_clock_that_lost_its_time_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, now = ModerationTable(database), time.time()
    await table.block("s", Block("ada", "spam", "bob", now, now + DAY))
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    block = await table.blocked("s", "ada")
    assert block is not None
    assert block.until == now + DAY


@pytest.mark.parametrize(
    "change",
    [
        "state = 'dreaming'",
        "recipe = json_set(recipe, '$.new_key', 1)",
        "recipe = json_set(recipe, '$.width', 'wide')",
        "recipe = json_set(recipe, '$.scheduler', 'unheard-of')",
        "home = '{'",
    ],
)
async def test_a_job_that_cannot_be_read_is_set_aside_once(
    jobs: JobTable, database: Database, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    number = abs(hash(change)) % 10**6 + 1000
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', ?)", (number,)
        )
    bad = await jobs.add(Requester(owner="ada"), recipe())
    good = await jobs.add(Requester(owner="bob"), recipe())
    async with database.transaction() as connection:
        await connection.execute(f"UPDATE jobs SET {change} WHERE id = ?", (bad.id,))
    for _ in range(2):
        assert [job.id for job in await jobs.undelivered()] == [good.id]
    with pytest.raises(UnknownJob):
        await jobs.get(bad.id)
    assert caplog.text.count(f"The job {bad.id} can't be read") == 1


async def test_expired_tokens_are_gone_from_the_file(database: Database, tmp_path: Path) -> None:
    jobs, now = JobTable(database, tmp_path), time.time()
    for token, end in (("over", now - 60), ("valid", now + 600), ("far", now + 30 * DAY)):
        place = {"token": f"secret-{token}", "expires_at": end, "channel_id": 5}
        await jobs.add(Requester(owner="ada", message_ref=place), recipe())
    assert await erase_expired_tokens(database, all_rows=True) == 2
    kept = [job.message_ref for job in await jobs.undelivered()]
    assert [each["token"] for each in kept] == ["", "secret-valid", ""]
    assert {each["channel_id"] for each in kept} == {5}
    files = sorted(tmp_path.glob("atelier.db*"))  # noqa: ASYNC240
    stored = b"".join(file.read_bytes() for file in files)
    assert b"secret-over" not in stored
    assert b"secret-valid" in stored


async def test_only_the_own_account_can_read_the_database(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch(mode=0o644)
    for file in (tmp_path / "new" / "atelier.db", tmp_path / "old.db"):
        async with Database(file):
            for each in file.parent.glob(f"{file.name}*"):
                assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_the_jobs_being_painted_are_known_after_a_crash_and_not_after_an_end(
    tmp_path: Path,
) -> None:
    blame = BlameFile(tmp_path / "painting.json")
    blame.record([3, 5])
    assert BlameFile(tmp_path / "painting.json").take() == [3, 5]
    assert BlameFile(tmp_path / "painting.json").take() == []
    blame.record([6])
    blame.close()
    blame.record([7])
    assert BlameFile(tmp_path / "painting.json").take() == []


@pytest.mark.parametrize("text", ["{", "5", '{"a": 1}', json.dumps(["ok", 5])])
def test_damaged_word_lists_are_known_to_be(text: str) -> None:
    assert WordLists.from_preferences({"blocked_words": text}).damaged
    assert not WordLists.from_preferences({"blocked_words": '["ok"]'}).damaged
