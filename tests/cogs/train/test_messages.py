"""The message of a training: stale buttons, lost messages, new ones, and the end."""

from __future__ import annotations

import time
from functools import partial

import pytest

from cogs.policy.server_settings import change_server_settings
from engine import SafetyVerdict, TrainingState
from engine.safety.checker import SafetyChecker
from tests.cogs.app import PATIENCE, App, told, told_after
from tests.discord_server import Member, Message
from tests.discord_server.messages import walk

from .steps import collected, number_of, service, shows, started


async def test_a_stale_button_says_so_and_the_message_is_redrawn(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await started(app, bot, mod)
        number = number_of(card)
        await service(bot).come_to(number, 5)
        await shows(app, card, "step 5")
        pause = next(b for b in card.buttons if b["label"] == "Pause")
        await service(bot).finish(number)
        await shows(app, card, "Paint with")
        card.buttons[0].update(label="Pause", custom_id=pause["custom_id"])
        use = await mod.click(card, label="Pause")
        assert await told_after(use) == "That button is out of date: the training is finished."
        await app.discord.until(lambda: "Paint with it" in card.labels)


async def test_a_deleted_message_does_not_end_the_training_and_show_gives_a_new_one(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await started(app, bot, mod)
        number = number_of(card)
        app.discord.world.delete_message(card)
        await service(bot).come_to(number, 5)
        new = await (await mod.slash(app.art, "train show", training=number)).message()
        await shows(app, new, "step 5 of 40")
        await service(bot).come_to(number, 9, painted=True)
        await shows(app, new, "step 9 of 40")
        newer = await (await mod.slash(app.art, "train show", training=number)).message()
        await app.discord.until(lambda: new.deleted)
        await service(bot).come_to(number, 10)
        await shows(app, newer, "step 10 of 40")
        app.discord.world.delete_message(newer)
        await service(bot).finish(number)
        await app.discord.until(lambda: len(app.art.messages) == 1, PATIENCE)
        await shows(app, app.art.messages[0], "Paint with")


async def test_a_result_that_came_while_the_bot_was_away_is_shown_at_the_next_start(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await started(app, bot, mod)
        number = number_of(card)
        await service(bot).come_to(number, 5)
        await shows(app, card, "step 5")
    async with app.open() as bot:
        await service(bot)._table.set(number, state=TrainingState.FINISHED, finished_at=time.time())
    async with app.open():
        await shows(app, card, "Paint with")


async def test_a_training_that_failed_says_why_and_goes_on_when_it_is_resumed(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await started(app, bot, mod)
        number = number_of(card)
        error = "The disk is *full*."
        await service(bot).come_to(number, 5, state=TrainingState.FAILED, error=error)
        await shows(app, card, r"⚠️ .*The disk is \\\*full\\\*\.")
        await mod.click(card, label="Resume")
        await shows(app, card, "step 5 of 40")
        await service(bot).finish(number)
        await shows(app, card, "Paint with")


async def test_a_private_lora_is_shared_and_removed_after_a_question(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await started(app, bot, mod, private=True)
        number = number_of(card)
        await service(bot).finish(number)
        await shows(app, card, "Paint with `/imagine lora:zork`.*only for you")
        assert card.labels == ["Paint with it", "Share with the server", "Remove"]
        [choice] = await mod.autocomplete(app.art, "train share", "training", "zo")
        assert choice.value == number
        use = await mod.slash(app.art, "train share", training=choice.value)
        assert await told(use) == "Everyone in the server can use **zork** now."
        await app.discord.until(lambda: "Share with the server" not in card.labels)
        asked = await (await mod.click(card, label="Remove")).message()
        await mod.click(asked, label="Leave it as it is")
        await shows(app, asked, r"It stays as it is\.")
        asked = await (await mod.slash(app.art, "train remove", training=number)).message()
        await mod.click(asked, label="Remove")
        await app.discord.until(lambda: card.deleted and "was removed" in asked.text())
        listed = await told(await mod.slash(app.art, "train list"))
        assert listed == "You haven't trained anything yet. `/train new` begins."


async def test_a_private_message_gets_more_time_by_a_click_and_the_result_comes_by_dm(
    scripted: App, mod: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await collected(app, bot, mod, private=True)
        number = number_of(card)
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            await mod.click(card, label="Start")
            await shows(app, card, "I can't keep updating this message")
        app.discord.expire_tokens()
        await service(bot).come_to(number, 5)
        await mod.click(card, label="Show here")
        await shows(app, card, "step 5 of 40")
        app.discord.expire_tokens()
        await service(bot).finish(number)
        await app.discord.until(lambda: mod.dm.messages, PATIENCE)
        assert "Paint with" in mod.dm.messages[0].text()
        assert app.art.messages == []


async def test_samples_are_shown_as_the_safety_checker_says(
    scripted: App, mod: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = scripted

    async def is_unsafe(checker: SafetyChecker, picture: object) -> bool:
        return False

    monkeypatch.setattr(SafetyChecker, "enabled", True)
    monkeypatch.setattr(SafetyChecker, "is_unsafe", is_unsafe)

    def samples(card: Message) -> list[bool]:
        """Whether those that are shown are hidden as spoilers."""
        galleries = [part["items"] for part in walk(card.components) if part["type"] == 12]
        shown = [item for items in galleries for item in items]
        return [bool(item["spoiler"]) for item in shown if "Samples" in item["description"]]

    async with app.open() as bot:
        card = await started(app, bot, mod)
        number = number_of(card)

        def hides(hidden: bool) -> bool:
            return samples(card) == [hidden]

        for step, verdict, hidden in (
            (5, None, True),
            (6, SafetyVerdict("nsfw", 0.1, flagged=False), False),
            (7, SafetyVerdict("nsfw", 0.9, flagged=True), True),
        ):
            await service(bot).come_to(number, step, painted=True, verdict=verdict)
            await shows(app, card, f"step {step} of 40")
            await app.discord.until(partial(hides, hidden))
        scope = f"guild:{app.guild.id}"
        await change_server_settings(
            bot.studio, scope, lambda settings: type(settings)(nsfw="withhold")
        )
        await service(bot).come_to(number, 8, painted=True, verdict=verdict)
        await shows(app, card, "step 8 of 40")
        await app.discord.until(lambda: samples(card) == [])
