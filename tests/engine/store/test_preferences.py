"""Choices by scope."""

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
