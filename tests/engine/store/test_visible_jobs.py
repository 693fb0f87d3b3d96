"""Lists for a person: what they may not see is left out, and pages are full all the same."""

import asyncio
import json
import time
from typing import Any

import pytest

from engine.jobs.requester import Requester
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.store import Database, Favourites, History, JobTable, Search, Viewer, VisibleJobs
from engine.store import visible_jobs as module
from tests.engine.builders import recipe

HERE = Search(scope="here")
UNSAFE = SafetyVerdict("nsfw", 0.9, flagged=True)


@pytest.fixture
def visible(database: Database, jobs: JobTable) -> VisibleJobs:
    return VisibleJobs(database, jobs, History(database, jobs))


def viewer(owner: str = "ada", *, open_rooms: tuple[int, ...] = (1,), **more: Any) -> Viewer:
    """Somebody who sees what is in some rooms, unless it is private."""

    def can_see(message_ref: Any) -> bool:
        return message_ref["room"] in open_rooms and not message_ref.get("private")

    return Viewer(owner=owner, scope="here", can_see=can_see, **more)


async def painted(
    jobs: JobTable,
    owner: str = "bob",
    *,
    scope: str = "here",
    verdicts: tuple[SafetyVerdict, ...] = (),
    **place: Any,
) -> int:
    requester = Requester(owner=owner, scope=scope, message_ref={"room": 1} | place)
    job = await jobs.add(requester, recipe())
    await jobs.set_painted(job.id, [], verdicts)
    return job.id


async def ids(
    visible: VisibleJobs, viewer: Viewer, search: Search = HERE, number: int = 0, size: int = 100
) -> list[int]:
    page = await visible.page(viewer, search, number, size)
    return [job.id for job in page.jobs]


async def test_what_others_keep_private_or_have_elsewhere_is_left_out(
    visible: VisibleJobs, jobs: JobTable
) -> None:
    public = await painted(jobs)
    await painted(jobs, private=True)
    await painted(jobs, room=2)
    await painted(jobs, scope="there")
    own = [await painted(jobs, "ada", private=True), await painted(jobs, "ada", room=2)]
    assert await ids(visible, viewer()) == [*own[::-1], public]
    assert await ids(visible, viewer("bob")) == [3, 2, 1]


async def test_of_a_list_for_everybody_ones_own_private_jobs_are_left_out(
    visible: VisibleJobs, jobs: JobTable
) -> None:
    public = await painted(jobs)
    await painted(jobs, "ada", private=True)
    await painted(jobs, "", private=True)
    assert await ids(visible, viewer("")) == [public]


async def test_what_is_withheld_is_seen_by_its_owner_and_by_moderators_of_that_server(
    visible: VisibleJobs, jobs: JobTable
) -> None:
    safe = await painted(jobs, verdicts=(SafetyVerdict("nsfw", 0.1, flagged=False),))
    unsafe = await painted(jobs, verdicts=(UNCHECKED, UNSAFE))
    unchecked = await painted(jobs, verdicts=(UNCHECKED,))
    released = await painted(
        jobs, verdicts=(SafetyVerdict("nsfw", 0.9, flagged=True, released=True),)
    )
    elsewhere = await painted(jobs, scope="there", verdicts=(UNSAFE,))
    open_ones = [released, unchecked, safe]
    everywhere = Search()
    assert await ids(visible, viewer(), everywhere) == [5, 4, 3, 2, 1]
    assert await ids(visible, viewer(withholds_unsafe=True), everywhere) == open_ones
    moderator = viewer(withholds_unsafe=True, may_moderate=True)
    assert await ids(visible, moderator, everywhere) == [released, unchecked, unsafe, safe]
    assert await ids(visible, viewer("bob", withholds_unsafe=True), everywhere) == [
        elsewhere,
        released,
        unchecked,
        unsafe,
        safe,
    ]


@pytest.mark.parametrize("owner", ["ada", "bob"])
async def test_pages_are_full_and_counted_without_what_is_left_out(
    visible: VisibleJobs, jobs: JobTable, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    shown: list[int] = []
    for number in range(20):
        if number % 3:
            await painted(jobs, "eve", private=True)
        else:
            shown.insert(0, await painted(jobs, "ada"))
    search = Search(owner="ada")  # for ada herself another way
    for number, page in enumerate([shown[:3], shown[3:6], shown[6:]]):
        found = await visible.page(viewer(owner), search, number, 3)
        assert ([job.id for job in found.jobs], found.number, found.total) == (page, number, 7)
        both = await visible.page(viewer(owner), HERE, number, 3)
        assert ([job.id for job in both.jobs], both.total) == (page, 7)
    beyond = await visible.page(viewer(owner), search, 9, 3)
    assert ([job.id for job in beyond.jobs], beyond.number) == (shown[6:], 2)
    nothing = await visible.page(viewer(owner), Search(owner="nobody"), 4, 3)
    assert (nothing.jobs, nothing.number, nothing.total) == ((), 0, 0)


async def test_favourites_that_one_can_see_no_longer_are_left_out(
    visible: VisibleJobs, jobs: JobTable, database: Database
) -> None:
    favourites = Favourites(database)
    for room in (1, 2):
        await favourites.toggle("ada", await painted(jobs, room=room))
    assert await ids(visible, viewer(), Search(starred_by="ada")) == [1]


async def test_a_random_one_is_any_that_may_be_seen(visible: VisibleJobs, jobs: JobTable) -> None:
    public = {await painted(jobs) for _ in range(3)}
    for _ in range(30):
        await painted(jobs, private=True)
    found: set[int] = set()
    async with asyncio.timeout(20):
        while found != public:
            page = await visible.random(viewer(""), HERE, 1)
            assert (len(page.jobs), page.number, page.total) == (1, 0, 1)
            found.add(page.jobs[0].id)
    assert {job.id for job in (await visible.random(viewer(""), HERE, 9)).jobs} == public
    assert (await visible.random(viewer(open_rooms=()), HERE, 1)).jobs == ()


async def test_a_page_of_a_large_server_keeps_nobody_waiting(
    visible: VisibleJobs, database: Database
) -> None:
    plain = json.dumps(recipe().to_json())
    async with database.transaction() as connection:
        await connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
            "INSERT INTO jobs (owner, home, scope, recipe, state, created_at, settled) "
            "SELECT 'bob', json_object('room', i % 2), 'here', ?, 'posted', i, 1 FROM n",
            (plain,),
        )
    for search in (HERE, Search(scope="here", words="house")):
        took = []
        for _ in range(3):
            start = time.perf_counter()
            page = await visible.page(viewer(withholds_unsafe=True), search, 2, 5)
            took.append(time.perf_counter() - start)
        assert len(page.jobs) == 5
        assert page.total == module.MAX_CHECKED // 2
        assert min(took) < 0.25


async def test_the_latest_are_found_without_looking_at_all_others(
    visible: VisibleJobs, jobs: JobTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    everyone = viewer("", withholds_unsafe=True)
    shown = [await painted(jobs) for _ in range(6)]
    await painted(jobs, private=True)
    await painted(jobs, verdicts=(UNSAFE,))
    asked: list[int] = []
    original = everyone.can_see

    def can_see(message_ref: Any) -> bool:
        asked.append(1)
        return original(message_ref)

    looking = Viewer(owner="", scope="here", can_see=can_see, withholds_unsafe=True)
    found = await visible.latest(looking, Search(), 2)
    assert [job.id for job in found] == shown[:-3:-1]
    assert len(asked) <= 4
    assert [job.id for job in await visible.latest(everyone, Search(), 99)] == shown[::-1]
