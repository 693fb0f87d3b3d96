"""Finding jobs again: each filter, pages, and how long it takes among many."""

import json
import time
from typing import Any

import pytest

from engine.grids.layout import Axis, GridLayout
from engine.jobs.job import JobState
from engine.jobs.requester import Requester
from engine.store import Database, Favourites, GridTable, History, JobTable, Search
from tests.engine.builders import recipe

MANY = 20_000


@pytest.fixture
def history(database: Database, jobs: JobTable) -> History:
    return History(database, jobs)


async def painted(jobs: JobTable, owner: str = "ada", **changes: Any) -> int:
    job = await jobs.add(Requester(owner=owner), recipe(**changes))
    await jobs.set_painted(job.id, [])
    return job.id


async def found(history: History, **search: Any) -> list[int]:
    page = await history.page(Search(**search), 0, 100)
    assert await history.count(Search(**search)) == len(page)
    return [job.id for job in page]


async def test_ones_own_jobs_with_pictures_are_found_the_newest_first(
    history: History, jobs: JobTable
) -> None:
    first, _, third = [await painted(jobs, owner) for owner in ("ada", "bob", "ada")]
    await jobs.mark_delivered(third)
    for state in (JobState.QUEUED, JobState.FAILED, JobState.CANCELLED):
        await jobs.set_state((await jobs.add(Requester(owner="ada"), recipe())).id, state)
    assert await found(history, owner="ada") == [third, first]


async def test_all_words_must_be_in_the_prompt_in_any_order_and_case(
    history: History, jobs: JobTable
) -> None:
    fox = await painted(jobs, prompt="A red Fox in the snow")
    await painted(jobs, prompt="a red house")
    assert await found(history, owner="ada", words="fox RED") == [fox]
    assert await found(history, owner="ada", words="fox house") == []


@pytest.mark.parametrize("word", ["100%", "a_b", "\\", "%", "_", "'"])
async def test_what_sql_takes_for_wildcards_is_a_letter_like_others(
    history: History, jobs: JobTable, word: str
) -> None:
    literal = await painted(jobs, prompt=f"it says {word} there")
    await painted(jobs, prompt="it says 1000 axb there")
    assert await found(history, owner="ada", words=word) == [literal]


async def test_by_model_by_age_and_by_star(
    history: History, jobs: JobTable, database: Database
) -> None:
    old, new, other = [await painted(jobs, model=name) for name in ("tiny", "tiny", "other")]
    theirs = await painted(jobs, "bob")
    async with database.transaction() as connection:
        await connection.execute("UPDATE jobs SET created_at = 0 WHERE id = ?", (old,))
    favourites = Favourites(database)
    for job_id in (old, theirs):
        await favourites.toggle("ada", job_id)
    await favourites.toggle("bob", new)
    assert await found(history, owner="ada", model="tiny") == [new, old]
    assert await found(history, owner="ada", seconds=3600.0) == [other, new]
    assert await found(history, owner="ada", starred_by="ada") == [old]
    assert await found(history, starred_by="ada") == [theirs, old]


async def test_pages_follow_each_other(history: History, jobs: JobTable) -> None:
    ids = [await painted(jobs) for _ in range(5)]
    pages = [await history.page(Search(owner="ada"), offset, 2) for offset in (0, 2, 4, 6)]
    assert [[job.id for job in page] for page in pages] == [
        [ids[4], ids[3]],
        [ids[2], ids[1]],
        [ids[0]],
        [],
    ]


async def test_a_search_is_remembered_for_its_owner_alone(history: History) -> None:
    search = Search(owner="ada", words="fox", seconds=60.0)
    number = await history.remember("ada", search)
    assert await history.remember("ada", search) == number
    assert await history.recall("ada", number) == search
    assert await history.recall("bob", number) is None
    assert await history.recall("ada", number + 1) is None


async def test_a_page_among_many_jobs_takes_less_than_50_ms_of_cpu(
    history: History, database: Database
) -> None:
    plain = recipe().to_json()
    async with database.transaction() as connection:
        await connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO jobs (owner, home, recipe, state, created_at, settled) "
            "SELECT 'ada', '{}', json_set(?, '$.prompt', 'a red house number ' || i, "
            "'$.model', 'model' || (i % 7)), 'posted', i, 1 FROM n",
            (MANY, json.dumps(plain)),
        )
        await connection.execute(
            "INSERT INTO favourites SELECT 'ada', id, 0 FROM jobs WHERE id % 3 = 0"
        )
    for more in ({}, {"words": "house 19"}, {"model": "model3"}, {"starred_by": "ada"}):
        search = Search(owner="ada", **more)  # type: ignore[arg-type]
        took = []
        for _ in range(3):
            start = time.process_time()
            count = await history.count(search)
            page = await history.page(search, count // 2, 5)
            took.append(time.process_time() - start)
            assert len(page) == 5
        assert min(took) < 0.05, more


async def test_a_grid_is_found_once_by_the_first_cell_that_matches(
    history: History, jobs: JobTable, database: Database
) -> None:
    grids = GridTable(database, jobs)
    cells = []
    layout = GridLayout(columns=Axis(title="seed", labels=("1", "2", "3")))
    recipes = [recipe(prompt=prompt) for prompt in ("a cat", "a red cat", "a red cat")]
    alone = await painted(jobs)
    for owner in ("ada", "bob"):
        cells += (await grids.add(Requester(owner=owner), layout, recipes, (0, 1, 2)))[1]
    numbers = [cell.id for cell in cells]
    for number in numbers:
        await jobs.set_painted(number, [])
    assert await found(history, owner="ada") == [numbers[0], alone]
    assert await found(history, owner="ada", words="red cat") == [numbers[1]]
    assert await found(history, owner="ada", grid=1) == numbers[2::-1]
    assert await found(history, owner="ada", grid=2) == []
