"""Choices by scope."""

import asyncio

import pytest

from engine.store import Database, Preferences


async def test_a_choice_is_remembered_by_scope_and_can_be_changed(database: Database) -> None:
    preferences = Preferences(database)
    assert await preferences.get("guild 1", "model") is None
    await preferences.set("guild 1", "model", "tiny")
    await preferences.set("guild 2", "model", "other")
    await preferences.set("guild 1", "mood", "calm")
    await preferences.set("guild 1", "model", "sketch")
    assert await preferences.get("guild 1", "model") == "sketch"
    assert await preferences.get("guild 2", "model") == "other"
    assert await preferences.get("guild 1", "mood") == "calm"


async def test_changes_at_once_add_up_and_one_that_fails_changes_nothing(
    database: Database,
) -> None:
    preferences = Preferences(database)

    async def add(letter: str) -> str:
        return await preferences.change("guild 1", "letters", lambda kept: (kept or "") + letter)

    assert sorted(await asyncio.gather(*map(add, "abcd")), key=len)[-1] == "abcd"

    def fail(_: str | None) -> str:
        raise KeyError

    with pytest.raises(KeyError):
        await preferences.change("guild 1", "letters", fail)
    assert await preferences.get("guild 1", "letters") == "abcd"
