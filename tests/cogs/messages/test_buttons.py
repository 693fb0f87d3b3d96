"""Buttons: whoever clicks, however often, whenever."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord_server import Permissions

from tests.cogs.app import House, number, seed, settings_line, told, told_after


async def test_again_is_a_new_job_with_a_new_seed_for_whoever_clicks(house: House) -> None:
    async with house.open():
        message = await house.painted(house.alice, "a fish", seed=5, steps=3, size="64x96", count=2)
        use = await house.bob.click(message, label="Again")
        again = await house.done(await use.message())
        assert again is not message
        assert house.bob.mention in again.text()
        assert number(again) == 2
        assert seed(again) != 5
        assert settings_line(again)[:-1] == settings_line(message)[:-1]
        assert len(again.attachments) == 2
        assert len(message.attachments) == 2


async def test_again_paints_with_the_model_of_the_picture_not_of_the_server(house: House) -> None:
    async with house.open() as bot:
        message = await house.painted(house.alice)
        await bot.studio.use_model("other", f"guild:{house.guild.id}")
        again = await (await house.bob.click(message, label="Again")).message()
        await house.done(again)
        assert settings_line(again)[0] == "tiny"


async def test_the_owner_cancels_while_it_waits_and_while_it_is_painted(house: House) -> None:
    async with house.open() as bot:
        running = await house.occupy()
        queued = await house.ask(house.alice)
        use = await house.alice.click(queued, label="Cancel")
        assert use.acknowledged_after < 1
        await house.done(queued)
        await house.free(running)
        for message in (queued, running):
            assert "Cancelled." in message.text()
            assert message.labels == ["Again", "Delete"]
            assert message.attachments == []
        await house.settled(bot)


@pytest.mark.parametrize("verb", ["Cancel", "Delete"])
async def test_a_stranger_gets_a_sentence_and_nothing_happens(house: House, verb: str) -> None:
    async with house.open():
        if verb == "Cancel":
            message = await house.occupy()
        else:
            message = await house.painted(house.alice)
        sentence = await told_after(await house.bob.click(message, label=verb))
        assert sentence == f"Only the one who asked for job 1 can {verb.lower()} it."
        assert verb in message.labels


@pytest.mark.parametrize("kind", ["permission", "role"])
async def test_moderators_cancel_and_delete_what_others_asked_for(house: House, kind: str) -> None:
    role = house.guild.add_role("keepers")
    if kind == "role":
        mod = house.guild.add_member("mod", roles=[role])
    else:
        mod = house.guild.add_member("mod", permissions=Permissions(manage_messages=True))
    async with house.open(admin_roles=(role.id,)) as bot:
        message = await house.occupy()
        await mod.click(message, label="Cancel")
        await house.done(message)
        await mod.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
        assert await bot.studio.unsettled() == []


async def test_delete_removes_message_files_and_row(house: House) -> None:
    async with house.open() as bot:
        message = await house.painted(house.alice, count=2)
        files = (await bot.studio.job(1)).pictures
        assert all(file.exists() for file in files)
        await house.alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
        assert len(files) == 2
        assert not any(file.exists() for file in files)
        with pytest.raises(Exception, match="Job 1 does not exist any more"):
            await bot.studio.job(1)


async def test_two_clicks_on_delete_at_once_delete_once(house: House) -> None:
    async with house.open():
        message = await house.painted(house.alice)
        uses = await asyncio.gather(*(house.alice.click(message, label="Delete") for _ in range(4)))
        await house.discord.until(lambda: message.deleted)
        assert all(use.failed is None for use in uses)
        await asyncio.sleep(0.2)
        said = [followup.text() for use in uses for followup in use.followups]
        assert set(said) <= {"Job 1 does not exist any more."}


async def test_two_clicks_on_cancel_at_once_cancel_once(house: House) -> None:
    async with house.open():
        await house.occupy()
        message = await house.ask(house.alice)
        uses = await asyncio.gather(*(house.alice.click(message, label="Cancel") for _ in range(3)))
        await house.done(message)
        assert all(use.failed is None for use in uses)
        await house.discord.until(lambda: sum(len(use.followups) for use in uses) == 2)
        said = {followup.text() for use in uses for followup in use.followups}
        assert said == {"Job 2 is already done."}
        assert "Cancelled." in message.text()


async def test_two_clicks_on_again_at_once_are_two_jobs(house: House) -> None:
    async with house.open():
        message = await house.painted(house.alice)
        uses = await asyncio.gather(*(house.alice.click(message, label="Again") for _ in range(2)))
        messages = [await house.done(await use.message()) for use in uses]
        assert {number(each) for each in messages} == {2, 3}


async def test_every_button_works_after_a_restart(house: House) -> None:
    async with house.open():
        painted = await house.painted(house.alice)
        running = await house.occupy()
        queued = await house.ask(house.alice)
    async with house.open() as bot:
        await house.alice.click(queued, label="Cancel")
        await house.done(queued)
        await house.free(running)
        again = await (await house.bob.click(painted, label="Again")).message()
        await house.done(again)
        await house.alice.click(painted, label="Delete")
        await house.discord.until(lambda: painted.deleted)
        await house.settled(bot)


async def test_buttons_work_on_a_message_whose_token_has_expired(house: House) -> None:
    async with house.open():
        painted = await house.painted(house.alice)
        running = await house.occupy()
        house.discord.expire_tokens()
        await house.free(running)
        again = await (await house.bob.click(painted, label="Again")).message()
        await house.done(again)
        await house.alice.click(painted, label="Delete")
        await house.discord.until(lambda: painted.deleted)
        assert "Cancelled." in running.text()


async def test_the_buttons_of_a_job_that_is_gone_get_a_sentence_or_clear_its_message_away(
    house: House,
) -> None:
    async with house.open() as bot:
        message = await house.painted(house.alice)
        await bot.studio.delete(1)
        for who, verb in ((house.alice, "Again"), (house.alice, "⭐"), (house.bob, "Delete")):
            sentence = await told_after(await who.click(message, label=verb))
            assert sentence == "Job 1 does not exist any more."
        await house.alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)


async def test_again_with_a_model_that_is_not_configured_any_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open():
        message = await house.painted(house.alice, model="other")
    models = house.models()
    del models["other"]
    monkeypatch.setattr(house, "models", lambda: models)
    async with house.open():
        sentence = await told(await house.alice.click(message, label="Again"))
        assert sentence.startswith("There is no model “other”.")
