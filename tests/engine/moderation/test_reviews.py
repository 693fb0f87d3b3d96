"""Requests that wait for a moderator: which do, and how they are kept."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import (
    REVIEW_LIFETIME,
    AdapterUse,
    AlreadyDecided,
    Decision,
    ImageRequest,
    InvalidRequest,
    Job,
    LimitReached,
    NeedsReview,
    Parent,
    Requester,
    Review,
    ReviewMessage,
    StorageError,
    Studio,
    open_studio,
)
from engine.moderation.word_filter import find_words
from engine.moderation.word_lists import WordLists
from engine.store import Database, RetentionTable
from engine.store.jobs import insert
from engine.store.reviews import MAX_ASKED, MAX_HELD
from tests.engine.builders import engine_settings, model_settings


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    settings = engine_settings(grace=0.0)
    models = {"tiny": model_settings(tiny_model)}
    async with open_studio(settings, models, tmp_path / "data") as studio:
        await studio.stop()  # nothing has to be painted here
        yield studio


async def submit(
    studio: Studio, *prompts: str, review: int | None = None, **asked: str
) -> list[Job]:
    requests = [ImageRequest(prompt=prompt, **asked) for prompt in prompts]  # type: ignore[arg-type]
    return await studio.submit_all(requests, Requester(owner="ada", scope="here", review=review))


async def hold(studio: Studio, scope: str = "here") -> Review:
    request = ImageRequest(prompt="blood")
    return await studio.moderation.reviews.hold(scope, "ada", None, [request], ["blood"])


async def test_a_request_needs_a_look_for_the_words_that_it_has(studio: Studio) -> None:
    for word in ("Blood", "gore", "red light"):
        await studio.moderation.review_word("here", word)
    with pytest.raises(NeedsReview) as caught:
        await submit(studio, "a house", "a pool of bl(oo)d", negative_prompt="RED  l\u0456ght")
    assert caught.value.words == ("blood", "red light")
    assert not studio.queue()
    await submit(studio, "a bloodhound")
    await submit(studio, "a pool of blood", review=(await hold(studio)).id)
    await studio.check_all(
        [ImageRequest(prompt="a pool of blood")], Requester(owner="ada", scope="here")
    )
    assert len(studio.queue()) == 2


async def test_a_request_that_would_be_refused_anyway_does_not_wait(studio: Studio) -> None:
    await studio.moderation.review_word("here", "blood")
    await studio.moderation.block_word("here", "gore")
    for request in (
        ImageRequest(prompt="blood and gore"),
        ImageRequest(prompt="blood", width=1),
        ImageRequest(prompt="blood", image="0" * 32 + ".png"),
    ):
        with pytest.raises(InvalidRequest):
            await studio.submit(request, Requester(owner="ada", scope="here"))


async def test_a_word_is_on_one_list(studio: Studio) -> None:
    moderation = studio.moderation
    await moderation.block_word("here", "blood")
    assert await moderation.review_word("here", "BLOOD") == "blood"
    assert await moderation.word_lists("here") == WordLists(reviewed=("blood",))
    await moderation.block_word("here", "blood")
    assert await moderation.word_lists("here") == WordLists(blocked=("blood",))
    await moderation.review_word("here", "gore")
    assert await moderation.allow_word("here", "gore")
    assert not await moderation.allow_word("here", "gore")


async def test_it_is_kept_as_it_was_asked_for(studio: Studio) -> None:
    requests = (
        ImageRequest(prompt="血", seed=7, adapters=(AdapterUse("fox", 0.8),), guidance_scale=2.5),
        ImageRequest(prompt="blood", image="0" * 32 + ".png", strength=0.5),
    )
    held = studio.moderation.reviews
    message_ref = {"channel": 5}
    review = await held.hold("here", "ada", message_ref, requests, ("blood", "血"), Parent(3, 1))
    assert await held.get(review.id, "here") == review
    assert (review.requests, review.words, review.message_ref) == (
        requests,
        ("blood", "血"),
        message_ref,
    )
    with pytest.raises(InvalidRequest):
        await held.get(review.id, "there")
    await held.decide(review.id, Decision.ALLOWED)
    assert (await held.get(review.id, "here")).decision is Decision.ALLOWED


async def test_nobody_keeps_moderators_busy_and_what_waits_too_long_is_forgotten(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = studio.moderation.reviews
    request = [ImageRequest(prompt="blood")]
    reviews = [await held.hold("here", "ada", None, request, ["blood"]) for _ in range(MAX_HELD)]
    with pytest.raises(LimitReached, match="already wait for a moderator"):
        await held.hold("here", "ada", None, request, ["blood"])
    await held.hold("there", "ada", None, request, ["blood"])
    await held.decide(reviews[0].id, Decision.REFUSED)
    await held.hold("here", "ada", None, request, ["blood"])
    late = reviews[-1].asked_at + REVIEW_LIFETIME
    monkeypatch.setattr("engine.store.reviews.time.time", lambda: late)
    with pytest.raises(InvalidRequest, match="waited too long"):
        await held.get(reviews[1].id, "here")
    await held.hold("here", "ada", None, request, ["blood"])


async def test_asking_and_taking_back_fills_no_channel(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is a message to moderators, whatever becomes of it; 15 came in 19 seconds."""
    held = studio.moderation.reviews
    request = [ImageRequest(prompt="blood")]
    for _ in range(MAX_ASKED):
        review = await held.hold("here", "ada", None, request, ["blood"])
        await held.decide(review.id, Decision.WITHDRAWN)
    with pytest.raises(LimitReached, match="too many reviews") as refused:
        await held.hold("here", "ada", None, request, ["blood"])
    await held.hold("here", "bob", None, request, ["blood"])
    until = refused.value.retry_at
    assert until is not None
    monkeypatch.setattr("engine.store.reviews.time.time", lambda: until + 1)
    await held.hold("here", "ada", None, request, ["blood"])


async def test_what_is_allowed_is_decided_with_its_jobs_and_once(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = studio.moderation.reviews
    number = (await hold(studio)).id
    room = [1]

    async def full(*values: Any, **more: Any) -> Job:
        if not room:
            raise sqlite3.OperationalError("database or disk is full")
        room.pop()
        return await insert(*values, **more)

    with monkeypatch.context() as patch:
        patch.setattr("engine.store.jobs.insert", full)
        with pytest.raises(StorageError):
            await submit(studio, "blood", "more blood", review=number)
    assert (await held.get(number, "here")).decision is Decision.WAITING
    assert not studio.queue()
    assert len(await submit(studio, "blood", "more blood", review=number)) == 2
    with pytest.raises(AlreadyDecided):
        await submit(studio, "blood", "more blood", review=number)
    assert len(await studio.undelivered()) == 2
    assert (await held.get(number, "here")).decision is Decision.ALLOWED
    assert not await held.decide(number, Decision.REFUSED)


async def test_those_that_wait_are_known_with_where_moderators_are_asked(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = studio.moderation.reviews
    asked, withdrawn, elsewhere = [await hold(studio, each) for each in ("here", "here", "there")]
    await held.set_message(asked.id, ReviewMessage(5, 6))
    await held.decide(withdrawn.id, Decision.WITHDRAWN)
    assert [(each.id, each.message) for each in await held.waiting()] == [
        (asked.id, ReviewMessage(5, 6)),
        (elsewhere.id, None),
    ]
    assert [each.id for each in await held.waiting("there")] == [elsewhere.id]
    late = elsewhere.asked_at + REVIEW_LIFETIME
    monkeypatch.setattr("engine.store.reviews.time.time", lambda: late)
    assert not await held.waiting()


async def test_the_picture_that_a_held_request_starts_from_is_needed(
    studio: Studio, tmp_path: Path
) -> None:
    name = "0" * 32 + ".png"
    review = await studio.moderation.reviews.hold(
        "here", "ada", None, [ImageRequest(prompt="x", image=name)], ["x"]
    )
    async with Database(tmp_path / "data" / "atelier.db") as database:
        retention_table = RetentionTable(database, tmp_path)
        assert await retention_table.uploads() == {name}
        await studio.moderation.reviews.decide(review.id, Decision.REFUSED)
        assert not await retention_table.uploads()


def test_words_are_found_as_whole_words_whatever_they_are_disguised_as() -> None:
    words = ("blood", "red light", "血")
    assert find_words(words, "bl\u200bood moon", "a 流血 rose") == ("blood", "血")
    assert find_words(words, "RЕD_light") == ("red light",)
    assert find_words(words, "bloodhound", json.dumps(["redlight"])) == ()
