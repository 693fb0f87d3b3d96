"""Stars, and what galleries have shown."""

import pytest

from engine.errors import UnknownJob
from engine.jobs.requester import Requester
from engine.store import Database, Favourites, JobTable
from tests.engine.builders import recipe


@pytest.fixture
def favourites(database: Database) -> Favourites:
    return Favourites(database)


@pytest.fixture
async def job_id(jobs: JobTable) -> int:
    return (await jobs.add(Requester(owner="ada"), recipe())).id


async def test_a_star_is_given_and_taken_back(favourites: Favourites, job_id: int) -> None:
    assert await favourites.toggle("bob", job_id)
    assert await favourites.toggle("eve", job_id)
    assert await favourites.count(job_id) == 2
    assert not await favourites.toggle("bob", job_id)
    assert await favourites.count(job_id) == 1


async def test_what_is_gone_cannot_be_starred(favourites: Favourites) -> None:
    with pytest.raises(UnknownJob, match="Job 99 doesn't exist"):
        await favourites.toggle("bob", 99)


async def test_stars_go_with_their_job(favourites: Favourites, jobs: JobTable, job_id: int) -> None:
    await favourites.toggle("bob", job_id)
    await favourites.claim("guild:1", job_id, 5)
    await jobs.delete(job_id)
    assert await favourites.count(job_id) == 0
    assert await favourites.gallery_posts(job_id) == []


async def test_a_gallery_takes_a_job_once(favourites: Favourites, job_id: int) -> None:
    assert await favourites.claim("guild:1", job_id, 5)
    assert not await favourites.claim("guild:1", job_id, 6)
    assert await favourites.claim("guild:2", job_id, 7)
    assert await favourites.set_posted("guild:1", job_id, 50)
    assert sorted(await favourites.gallery_posts(job_id)) == [(5, 50), (7, None)]


async def test_what_was_deleted_while_it_was_being_shown_is_not_shown(
    favourites: Favourites, jobs: JobTable, job_id: int
) -> None:
    await favourites.claim("guild:1", job_id, 5)
    await jobs.delete(job_id)
    assert not await favourites.set_posted("guild:1", job_id, 50)


async def test_what_could_not_be_shown_may_be_tried_again(
    favourites: Favourites, job_id: int
) -> None:
    await favourites.claim("guild:1", job_id, 5)
    await favourites.release("guild:1", job_id)
    assert await favourites.claim("guild:1", job_id, 5)


async def test_what_is_gone_is_not_shown(favourites: Favourites) -> None:
    assert not await favourites.claim("guild:1", 99, 5)
