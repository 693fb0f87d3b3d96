"""Learned times outlive the program."""

from engine.store import Database, TimingTable


async def test_timings_are_kept_and_the_newest_one_wins(database: Database) -> None:
    timings = TimingTable(database)
    assert await timings.all() == {}
    await timings.save({("tiny", 64, 64, 1): 1.0, ("tiny", 0, 0, 0): 9.0})
    await timings.save({("tiny", 64, 64, 1): 2.0})
    assert await timings.all() == {("tiny", 64, 64, 1): 2.0, ("tiny", 0, 0, 0): 9.0}


async def test_saving_nothing_is_fine(database: Database) -> None:
    await TimingTable(database).save({})
