"""A bug of ours: the person gets a sentence with an id, the log gets the rest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.discord_server import Use
from tests.speech.chinese import say_in_chinese

from tests.cogs.app import House, told, told_after


def broken(*_: Any, **__: Any) -> Any:
    """What a bug does."""
    raise ZeroDivisionError("the moon is made of cheese")


async def incident(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    """The person was told an incident whose traceback is in the log."""
    sentence = await told_after(use)
    found = re.fullmatch(
        r"Something broke\. The owner finds the reason in the log: ([0-9a-f]{6})\.", sentence
    )
    assert found, sentence
    [record] = [record for record in caplog.records if found[1] in record.getMessage()]
    assert record.levelname == "ERROR"
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError
    assert "cheese" not in sentence


@pytest.mark.parametrize(
    ("command", "name", "options"),
    [
        ("queue", "queue", {}),
        ("imagine", "submit", {"prompt": "x"}),
        ("model list", "model_of", {}),
        ("cancel", "cancel", {"job": 1}),
    ],
)
async def test_a_bug_in_a_command(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    command: str,
    name: str,
    options: dict[str, Any],
) -> None:
    async with house.open() as bot:
        await house.painted(house.alice)
        with monkeypatch.context() as patch:
            patch.setattr(bot.studio, name, broken)
            await incident(await house.alice.slash(house.art, command, **options), caplog)
        assert (await house.alice.slash(house.art, "queue")).failed is None


@pytest.mark.parametrize(("label", "name"), [("Again", "job"), ("Delete", "delete")])
async def test_a_bug_behind_a_button(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    label: str,
    name: str,
) -> None:
    async with house.open() as bot:
        message = await house.painted(house.alice)
        with monkeypatch.context() as patch:
            patch.setattr(bot.studio, name, broken)
            await incident(await house.alice.click(message, label=label), caplog)
        await house.alice.click(message, label=label)


async def test_a_command_that_has_changed_since_discord_was_told(house: House) -> None:
    async with house.open():
        known = {command["name"]: command for command in house.discord.world.commands[None]}
        known["imagine"]["options"] = []
        known["queue"]["name"] = "line"
        for name in ("imagine", "line"):
            assert await told(await house.alice.slash(house.art, name)) == (
                "This command has changed. Restart Discord, or try again in a minute."
            )


async def test_a_failure_is_told_in_the_language_of_its_home_also_after_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_in_chinese(
        monkeypatch,
        {
            "The model “{model}” cannot be loaded. {reason}": "无法加载模型“{model}”。{reason}",
            "There is no folder “{source}”, and it is no Hub id either: those look like "
            "owner/name.": "没有文件夹“{source}”，它也不是 Hub 上的名称。",
        },
    )
    house.alice.locale = "zh-CN"
    async with house.open():
        occupied = await house.occupy()
        chinese = await house.ask(house.alice, model="broken")
        english = await house.ask(house.bob, model="broken")
    async with house.open():
        await house.free(occupied)
        await house.done(chinese)
        await house.done(english)
    assert "⚠️ 无法加载模型“broken”。没有文件夹“broken”，它也不是 Hub 上的名称。" in chinese.text()
    assert "⚠️ The model “broken” cannot be loaded. There is no folder “broken”" in english.text()


async def test_an_error_is_told_to_each_person_in_their_language(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_in_chinese(
        monkeypatch, {"Job {number} does not exist any more.": "任务 {number} 已不存在。"}
    )
    house.alice.locale = "zh-CN"
    async with house.open():
        assert (
            await told(await house.alice.slash(house.art, "cancel", job=99)) == "任务 99 已不存在。"
        )
        theirs = await told(await house.bob.slash(house.art, "cancel", job=99))
    assert theirs == "Job 99 does not exist any more."
