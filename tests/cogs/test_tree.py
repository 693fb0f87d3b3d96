"""A bug of ours: the person gets a sentence with an id, the log gets the rest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cogs.app import App, told, told_after
from tests.discord_server import Use
from tests.speech.chinese import say_in_chinese


def broken(*_: Any, **__: Any) -> Any:
    """What a bug does."""
    raise ZeroDivisionError("the moon is made of cheese")


async def incident(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    """The person was told an incident whose traceback is in the log."""
    sentence = await told_after(use)
    found = re.fullmatch(
        r"Something went wrong\. The owner can find the reason in the log: ([0-9a-f]{6})\.",
        sentence,
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
    app: App,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    command: str,
    name: str,
    options: dict[str, Any],
) -> None:
    async with app.open() as bot:
        await app.painted(app.alice)
        with monkeypatch.context() as patch:
            patch.setattr(bot.studio, name, broken)
            await incident(await app.alice.slash(app.art, command, **options), caplog)
        assert (await app.alice.slash(app.art, "queue")).failed is None


@pytest.mark.parametrize(("label", "name"), [("Again", "job"), ("Delete", "delete")])
async def test_a_bug_behind_a_button(
    app: App,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    label: str,
    name: str,
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        with monkeypatch.context() as patch:
            patch.setattr(bot.studio, name, broken)
            await incident(await app.alice.click(message, label=label), caplog)
        await app.alice.click(message, label=label)


async def test_a_command_that_has_changed_since_discord_was_told(app: App) -> None:
    async with app.open():
        known = {command["name"]: command for command in app.discord.world.commands[None]}
        known["imagine"]["options"] = []
        known["queue"]["name"] = "line"
        for name in ("imagine", "line"):
            assert await told(await app.alice.slash(app.art, name)) == (
                "This command has changed. Restart Discord, or try again in a minute."
            )


async def test_a_failure_is_told_in_the_language_of_its_home_also_after_a_restart(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_in_chinese(
        monkeypatch,
        {
            "The model “{model}” couldn't be loaded. {reason}": "无法加载模型“{model}”。{reason}",
            "“{source}” is neither a folder nor a Hub ID. Hub IDs look like owner/name.": (
                "没有文件夹“{source}”，它也不是 Hub 上的名称。"
            ),
        },
    )
    app.alice.locale = "zh-CN"
    async with app.open():
        occupied = await app.occupy()
        chinese = await app.ask(app.alice, model="broken")
        english = await app.ask(app.bob, model="broken")
    async with app.open():
        await app.free(occupied)
        await app.done(chinese)
        await app.done(english)
    assert "⚠️ 无法加载模型“broken”。没有文件夹“broken”，它也不是 Hub 上的名称。" in chinese.text()
    assert "⚠️ The model “broken” couldn't be loaded. “broken” is neither a folder" in english.text()


async def test_an_error_is_told_to_each_person_in_their_language(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = "Job {number} doesn't exist or isn't visible here. `/history` lists your own jobs."
    say_in_chinese(monkeypatch, {unknown: "任务 {number} 已不存在。"})
    app.alice.locale = "zh-CN"
    async with app.open():
        assert await told(await app.alice.slash(app.art, "cancel", job=99)) == "任务 99 已不存在。"
        theirs = await told(await app.bob.slash(app.art, "cancel", job=99))
    assert theirs.startswith("Job 99 doesn't exist or")
