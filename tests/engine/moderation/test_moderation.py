"""Order in a scope: who is blocked, which words, and who did what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import ImageRequest, InvalidRequest, Moderation, Requester, Studio, open_studio
from engine.moderation.moderation import DAY, MAX_WORDS
from tests.engine.builders import engine_settings, model_settings


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    settings = engine_settings(grace=0.0)
    models = {"tiny": model_settings(tiny_model)}
    async with open_studio(settings, models, tmp_path / "data") as studio:
        await studio.stop()  # nothing has to be painted here
        yield studio


@pytest.fixture
def moderation(studio: Studio) -> Moderation:
    return studio.moderation


async def submit(studio: Studio, scope: str = "here", **asked: str) -> None:
    request = ImageRequest(**{"prompt": "a red house"} | asked)  # type: ignore[arg-type]
    await studio.submit(request, Requester(owner="ada", scope=scope))


async def test_a_block_holds_in_its_scope_until_it_ends(
    moderation: Moderation, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = await moderation.block("here", "ada", by="bob", reason="spam", days=2)
    assert block.until == block.at + 2 * DAY
    assert await moderation.blocked("here", "ada") == block
    assert await moderation.blocked("there", "ada") is None
    assert await moderation.blocked("here", "eve") is None
    monkeypatch.setattr("engine.store.moderation.time.time", lambda: block.at + 2 * DAY + 1)
    assert await moderation.blocked("here", "ada") is None
    assert not await moderation.unblock("here", "ada")


async def test_a_block_without_end_holds_until_it_is_taken_back(moderation: Moderation) -> None:
    await moderation.block("here", "ada", by="bob", reason="spam", days=2)
    again = await moderation.block("here", "ada", by="eve", reason="more spam")
    assert again.until is None
    assert await moderation.blocked("here", "ada") == again
    assert await moderation.unblock("here", "ada")
    assert await moderation.blocked("here", "ada") is None
    assert not await moderation.unblock("here", "ada")


async def test_deeds_are_kept_the_newest_first_and_not_for_ever(
    moderation: Moderation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.moderation.KEPT", 4)
    await moderation.add_audit_entry("there", "bob", "elsewhere")
    for number in range(6):
        await moderation.add_audit_entry("here", "bob", f"deed {number}")
    assert [entry.what for entry in await moderation.audit_entries("here", 3)] == [
        "deed 5",
        "deed 4",
        "deed 3",
    ]
    assert len(await moderation.audit_entries("here", 50)) == 4
    assert [(entry.by, entry.what) for entry in await moderation.audit_entries("there", 50)] == [
        ("bob", "elsewhere")
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "a pool of Blood"},
        {"prompt": "a pool of bl(oo)d"},
        {"prompt": "a pool of [bl](ood:1.4)"},
        {"negative_prompt": "blood"},
    ],
)
async def test_a_request_with_an_unwanted_word_is_refused_without_naming_any(
    studio: Studio, asked: dict[str, str]
) -> None:
    await studio.moderation.block_word("here", "BLOOD")
    await studio.moderation.block_word("here", "gore")
    with pytest.raises(InvalidRequest) as caught:
        await submit(studio, **asked)
    name = "negative prompt" if "negative_prompt" in asked else "prompt"
    assert str(caught.value).startswith(f"Your {name} contains a word that isn't allowed")
    assert "blood" not in str(caught.value)
    assert "gore" not in str(caught.value)
    await submit(studio, "there", **asked)
    assert [job.owner for job, _ in studio.queue()] == ["ada"]


async def test_what_stands_between_two_words_is_looked_through(
    studio: Studio,
) -> None:
    """A LoRA is taken out of the prompt before it is painted."""
    await studio.moderation.block_word("here", "red car")
    with pytest.raises(InvalidRequest, match="isn't allowed"):
        await submit(studio, prompt="a red <lora:ink:0.01> car")


async def test_words_are_told_and_can_be_allowed_again(
    studio: Studio, moderation: Moderation
) -> None:
    assert await moderation.block_word("here", " Red  Light ") == "red light"
    await moderation.block_word("here", "blood")
    await moderation.block_word("here", "ＢＬＯＯＤ")
    assert (await moderation.word_lists("here")).blocked == ("blood", "red light")
    assert await moderation.allow_word("here", "Blood")
    assert not await moderation.allow_word("here", "gore")
    await submit(studio, prompt="blood oranges")


async def test_a_word_of_nothing_and_a_word_too_many_are_refused(
    moderation: Moderation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidRequest, match="no letters"):
        await moderation.block_word("here", "\u200b ")
    assert MAX_WORDS >= 100
    monkeypatch.setattr("engine.moderation.moderation.MAX_WORDS", 1)
    await moderation.block_word("here", "blood")
    await moderation.block_word("here", "blood")
    with pytest.raises(InvalidRequest, match="Remove one first"):
        await moderation.block_word("here", "gore")


async def test_words_of_two_managers_at_once_are_both_kept(moderation: Moderation) -> None:
    words = [f"word{number}" for number in range(8)]
    await asyncio.gather(*(moderation.block_word("here", word) for word in words))
    assert (await moderation.word_lists("here")).blocked == tuple(words)
    await asyncio.gather(*(moderation.allow_word("here", word) for word in words[:5]))
    assert (await moderation.word_lists("here")).blocked == tuple(words[5:])
