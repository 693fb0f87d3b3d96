"""Buttons: whoever clicks, however often, whenever."""

from __future__ import annotations

import asyncio

import pytest

from tests.cogs.app import App, number, seed, settings_line, told, told_after
from tests.discord_server import Permissions


async def test_again_is_a_new_job_with_a_new_seed_for_whoever_clicks(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, "a fish", seed=5, steps=3, size="64x96", count=2)
        use = await app.bob.click(message, label="Again")
        again = await app.done(await use.message())
        assert again is not message
        assert app.bob.mention in again.text()
        assert number(again) == 2
        assert seed(again) != 5
        assert settings_line(again)[:-1] == settings_line(message)[:-1]
        assert len(again.attachments) == 2
        assert len(message.attachments) == 2


async def test_again_paints_with_the_model_of_the_picture_not_of_the_server(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        await bot.studio.use_model("other", f"guild:{app.guild.id}")
        again = await (await app.bob.click(message, label="Again")).message()
        await app.done(again)
        assert settings_line(again)[0] == "tiny"


async def test_the_owner_cancels_while_it_waits_and_while_it_is_painted(app: App) -> None:
    async with app.open() as bot:
        running = await app.occupy()
        queued = await app.ask(app.alice)
        use = await app.alice.click(queued, label="Cancel")
        assert use.acknowledged_after < 1
        await app.done(queued)
        await app.free(running)
        for message in (queued, running):
            assert "Cancelled." in message.text()
            assert message.labels == ["Again", "Delete"]
            assert message.attachments == []
        await app.settled(bot)


@pytest.mark.parametrize("verb", ["Cancel", "Delete"])
async def test_a_stranger_gets_a_sentence_and_nothing_happens(app: App, verb: str) -> None:
    async with app.open():
        if verb == "Cancel":
            message = await app.occupy()
        else:
            message = await app.painted(app.alice)
        sentence = await told_after(await app.bob.click(message, label=verb))
        assert sentence == f"Only the person who requested job 1 can {verb.lower()} it."
        assert verb in message.labels


@pytest.mark.parametrize("kind", ["permission", "role"])
async def test_moderators_cancel_and_delete_what_others_asked_for(app: App, kind: str) -> None:
    role = app.guild.add_role("keepers")
    if kind == "role":
        mod = app.guild.add_member("mod", roles=[role])
    else:
        mod = app.guild.add_member("mod", permissions=Permissions(manage_messages=True))
    async with app.open(admin_roles=(role.id,)) as bot:
        message = await app.occupy()
        await mod.click(message, label="Cancel")
        await app.done(message)
        await mod.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        assert await bot.studio.undelivered() == []


async def test_delete_removes_message_files_and_row(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, count=2)
        files = (await bot.studio.job(1)).pictures
        assert all(file.exists() for file in files)
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        assert len(files) == 2
        assert not any(file.exists() for file in files)
        with pytest.raises(Exception, match="Job 1 doesn't exist"):
            await bot.studio.job(1)


async def test_two_clicks_on_delete_at_once_delete_once(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        uses = await asyncio.gather(*(app.alice.click(message, label="Delete") for _ in range(4)))
        await app.discord.until(lambda: message.deleted)
        assert all(use.failed is None for use in uses)
        await asyncio.sleep(0.2)
        said = [followup.text() for use in uses for followup in use.followups]
        assert all(each.startswith("Job 1 doesn't exist") for each in said)


async def test_two_clicks_on_cancel_at_once_cancel_once(app: App) -> None:
    async with app.open():
        await app.occupy()
        message = await app.ask(app.alice)
        uses = await asyncio.gather(*(app.alice.click(message, label="Cancel") for _ in range(3)))
        await app.done(message)
        assert all(use.failed is None for use in uses)
        await app.discord.until(lambda: sum(len(use.followups) for use in uses) == 2)
        said = {followup.text() for use in uses for followup in use.followups}
        assert said == {"Job 2 is already done."}
        assert "Cancelled." in message.text()


async def test_two_clicks_on_again_at_once_are_two_jobs(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        uses = await asyncio.gather(*(app.alice.click(message, label="Again") for _ in range(2)))
        messages = [await app.done(await use.message()) for use in uses]
        assert {number(each) for each in messages} == {2, 3}


async def test_every_button_works_after_a_restart(app: App) -> None:
    async with app.open():
        painted = await app.painted(app.alice)
        running = await app.occupy()
        queued = await app.ask(app.alice)
    async with app.open() as bot:
        await app.alice.click(queued, label="Cancel")
        await app.done(queued)
        await app.free(running)
        again = await (await app.bob.click(painted, label="Again")).message()
        await app.done(again)
        await app.alice.click(painted, label="Delete")
        await app.discord.until(lambda: painted.deleted)
        await app.settled(bot)


async def test_buttons_work_on_a_message_whose_token_has_expired(app: App) -> None:
    async with app.open():
        painted = await app.painted(app.alice)
        running = await app.occupy()
        app.discord.expire_tokens()
        await app.free(running)
        again = await (await app.bob.click(painted, label="Again")).message()
        await app.done(again)
        await app.alice.click(painted, label="Delete")
        await app.discord.until(lambda: painted.deleted)
        assert "Cancelled." in running.text()


async def test_the_buttons_of_a_job_that_is_gone_get_a_sentence_or_clear_its_message_away(
    app: App,
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        await bot.studio.delete(1)
        for who, verb in ((app.alice, "Again"), (app.alice, "⭐"), (app.bob, "Delete")):
            sentence = await told_after(await who.click(message, label=verb))
            assert sentence.startswith("Job 1 doesn't exist")
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)


async def test_again_with_a_model_that_is_not_configured_any_more(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open():
        message = await app.painted(app.alice, model="other")
    models = app.models()
    del models["other"]
    monkeypatch.setattr(app, "models", lambda: models)
    async with app.open():
        sentence = await told(await app.alice.click(message, label="Again"))
        assert sentence.startswith("There's no model “other”.")
