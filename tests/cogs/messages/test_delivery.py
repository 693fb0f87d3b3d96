"""Delivery: the pictures arrive by whatever way still leads to the channel, and only once."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest

from cogs.message_ref import MessageRef
from engine.images.metadata import parse_parameters
from tests.cogs.app import PATIENCE, App, image, number, seed, settings_line
from tests.discord_server import Channel, Message
from tests.discord_server.messages import Attachment

pytestmark = pytest.mark.slow

BY_TOKEN = r"/webhooks/.*"
AS_BOT = r"/channels/\d+/messages/\d+"
ANEW = r"/channels/\d+/messages"


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs.messages.updater.RETRY_DELAYS", (0.3,))


def settings_in_webp(picture: Attachment) -> str:
    """What a WebP carries where PNG files have their text chunk."""
    with image(picture) as opened:
        comment: Any = opened.getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    return str(comment[8:], "utf-16-be")


def requests(app: App, method: str, path: str) -> list[str]:
    """The bot's requests of this kind, with their status."""
    return [
        str(request)
        for request in app.discord.requests
        if request.method == method and re.fullmatch(path, request.path)
    ]


async def tried(app: App, filename: str, status: int) -> None:
    """Wait until the bot has tried to show this file and was refused."""
    await app.discord.until(
        lambda: any(
            filename in request.files and request.status == status
            for request in app.discord.requests
        ),
        PATIENCE,
    )


async def two_jobs(app: App) -> tuple[Message, Message]:
    """A job that blocks the painter, and one that waits behind it."""
    return await app.occupy(), await app.ask(app.alice)


async def test_a_token_that_expired_in_the_queue_the_bot_edits_by_itself(app: App) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        app.discord.expire_tokens()
        await app.free(blocker)
        await app.done(message)
        assert len(message.attachments) == 1
        assert app.art.messages == [blocker, message]
        assert requests(app, "PATCH", AS_BOT)
        await app.settled(bot)


async def test_a_token_is_not_tried_again_once_it_is_known_to_be_dead(app: App) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        app.discord.expire_tokens()
        await app.free(blocker)
        await app.done(message)
        await app.settled(bot)
        refused = [line for line in requests(app, "PATCH", BY_TOKEN) if "401" in line]
        assert len(refused) <= 2  # one for each of the two messages


async def test_a_deleted_home_message_is_replaced_by_one_new_message(app: App) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        await app.art.delete(message)
        await app.free(blocker)
        await app.discord.until(lambda: len(app.art.messages) == 2)
        new = await app.done(app.art.messages[-1])
        assert len(new.attachments) == 1
        assert app.alice.mention in new.text()
        assert new.pings == []
        await app.settled(bot)
        assert app.art.messages == [blocker, new]
        await app.alice.click(new, label="Delete")
        await app.discord.until(lambda: new.deleted)


async def test_progress_never_brings_a_deleted_message_back(app: App) -> None:
    async with app.open():
        message = await app.occupy()
        await app.art.delete(message)
        await asyncio.sleep(1.2)
        assert app.art.messages == []


LOSSES = ["deleted", "closed", "muted", "kicked", "locked"]


def lose(app: App, den: Channel, how: str) -> None:
    """What may become of a place while a picture for it is painted."""
    if how == "deleted":
        app.guild.remove_channel(den)
    elif how == "closed":
        den.deny_bot("view_channel")
    elif how == "muted":
        den.deny_bot("send_messages")
    elif how == "locked":
        den.archive(locked=True)
    else:
        app.discord.remove_guild(app.guild)


@pytest.mark.parametrize(
    ("how", "open_to_dms"), [*((how, True) for how in LOSSES), ("deleted", False)]
)
async def test_a_picture_whose_place_is_lost_goes_to_the_person(
    app: App, how: str, open_to_dms: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Without DMs it stays in the history, where nothing links to the lost place."""
    app.bob.user.refuses_dms = not open_to_dms
    app.discord.add_guild("Poets").add_member("bob")
    async with app.open() as bot:
        blocker = await app.occupy()
        thread = app.guild.add_channel("sketches", kind="thread", parent=app.art)
        den = thread if how == "locked" else app.guild.add_channel("den")
        lost = await app.ask(app.bob, where=den)
        app.discord.expire_tokens()
        if how == "muted":
            await den.delete(lost)
        lose(app, den, how)
        codes = {"closed": 50001, "muted": 50013}
        expected = [codes[how]] if how in codes else []
        if not open_to_dms:
            expected.append(50007)
        with contextlib.ExitStack() as stack:
            for code in expected:
                stack.enter_context(app.discord.expecting(code))
            await bot.studio.cancel(number(blocker))
            await app.settled(bot)
        dm = app.bob.dm
        assert [len(message.attachments) for message in dm.messages] == [1] * open_to_dms
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
        job = await bot.studio.job(2)
        assert MessageRef.from_json(job.message_ref).message_id == (
            dm.messages[0].id if open_to_dms else None
        )


async def test_an_archived_thread_is_opened_by_the_picture(app: App) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        thread = app.guild.add_channel("sketches", kind="thread", parent=app.art)
        await app.ask(app.bob, where=thread)
        thread.archive()
        await app.free(blocker)
        await app.settled(bot)
        assert len(thread.messages[-1].attachments) == 1


@pytest.mark.parametrize(
    ("status", "times"), [(500, 1), (503, 1), (429, 2)], ids=["500", "503", "429"]
)
async def test_trouble_at_discord_is_waited_out(app: App, status: int, times: int) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        fault = app.discord.fail_next(method="PATCH", path=BY_TOKEN, status=status, times=times)
        app.discord.fail_next(method="PATCH", path=AS_BOT, status=status, times=times)
        await app.free(blocker)
        await app.done(message)
        assert fault.hits == times
        assert len(message.attachments) == 1
        await app.settled(bot)
        app.discord.rest.faults.clear()


async def test_a_network_that_was_gone_while_painting_costs_no_picture(app: App) -> None:
    async with app.open() as bot:
        message = await app.ask(app.alice, model="slow", steps=20, count=2)
        await app.discord.until(lambda: "🎨" in message.text(), 20)
        port = int(app.discord.world.origin.rpartition(":")[2])
        await app.discord.stop()
        await app.in_the_folder(bot, 1)
        await asyncio.sleep(0.2)
        await app.discord.start(port)
        await app.done(message)
        await app.settled(bot)
        assert len(message.attachments) == 2
        assert app.art.messages == [message]


async def test_a_refused_size_falls_back_to_webp_with_the_settings_inside(app: App) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await app.ask(app.alice, "a red 🏠, بيت", count=2, seed=3)
        app.discord.fail_next(method="PATCH", path=BY_TOKEN, status=413, times=50)
        await app.release(blocker)
        await tried(app, "000002-1.png", 413)
        app.discord.rest.faults.clear()
        await app.done(message)
        assert [file.filename for file in message.attachments] == [
            "000002-1.webp",
            "000002-2.webp",
        ]
        request = parse_parameters(settings_in_webp(message.attachments[1]))
        assert (request.prompt, request.seed) == ("a red 🏠, بيت", 4)
        for file in (await bot.studio.job(2)).pictures:
            assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("bytes_", "name"), [(9000, "000001-1.webp"), (10_000_000, None)])
async def test_the_upload_limit_of_the_guild_is_kept_without_asking(
    app: App, bytes_: int, name: str | None
) -> None:
    app.guild.attachment_size_limit = bytes_
    async with app.open():
        message = await app.painted(app.alice, size="128x128", seed=1)
        assert message.attachments[0].filename == (name or "000001-1.png")
        assert len(message.attachments[0].read()) <= bytes_
        assert all(request.status != 413 for request in app.discord.requests)


async def test_pictures_that_fit_in_no_form_are_told_and_kept(app: App) -> None:
    app.guild.attachment_size_limit = 50
    async with app.open() as bot:
        message = await app.painted(app.alice)
        assert "too large for this channel" in message.text()
        assert (await bot.studio.job(1)).pictures[0].exists()
        await app.settled(bot)


@pytest.mark.parametrize("way", ["token", "bot", "anew"])
async def test_an_answer_lost_after_it_took_effect_shows_the_pictures_once(
    app: App, way: str
) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        if way != "token":
            app.discord.expire_tokens()
        if way == "anew":
            await app.art.delete(message)
        await app.free(blocker)
        method, path = {
            "token": ("PATCH", BY_TOKEN),
            "bot": ("PATCH", AS_BOT),
            "anew": ("POST", ANEW),
        }[way]
        fault = app.discord.fail_next(method=method, path=path, status=502, lose_answer=True)
        await app.settled(bot)
        assert fault.hits == 1
        shown = [each for each in app.art.messages if each.attachments]
        assert len(shown) == 1
        assert len(app.art.messages) == 2
        assert len(shown[0].attachments) == 1


async def test_a_home_message_whose_answer_was_lost_is_found_again(app: App) -> None:
    async with app.open() as bot:
        app.discord.fail_next(method="POST", path=r".*/callback", status=500, lose_answer=True)
        use = await app.alice.slash(app.art, "imagine", prompt="a red house")
        message = await app.done(await use.message())
        await app.settled(bot)
        assert len(message.attachments) == 1
        assert app.art.messages == [message]


async def test_pictures_deleted_while_they_are_shown_do_not_come_back(app: App) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        await app.free(blocker)
        app.discord.fail_next(method="PATCH", path=BY_TOKEN, status=502, lose_answer=True)
        await app.done(message)
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        await app.settled(bot)
        await asyncio.sleep(1.3)
        assert app.art.messages == [blocker]


async def test_the_result_shows_what_the_file_holds(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        await app.settled(bot)
        job = await bot.studio.job(1)
        assert job.state == "posted"
        assert job.delivered
        assert message.attachments[0].read() == job.pictures[0].read_bytes()
        assert seed(message) == job.recipe.seed
        assert settings_line(message)[0] == job.recipe.model


async def test_pictures_gone_from_the_disk_are_told(app: App) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        app.discord.fail_next(method="PATCH", path=BY_TOKEN, status=409, times=50)
        await app.release(blocker)
        await tried(app, "000002-1.png", 409)
        (await bot.studio.job(2)).pictures[0].unlink()
        app.discord.rest.faults.clear()
        await app.done(message)
        assert "The picture files no longer exist." in message.text()


async def test_a_card_that_discord_will_never_take_is_given_up(app: App) -> None:
    async with app.open() as bot:
        blocker, message = await two_jobs(app)
        fault = app.discord.fail_next(method="PATCH", path=BY_TOKEN, status=400, times=50)
        await app.release(blocker)
        await app.settled(bot)
        assert fault.hits <= 5
        assert not message.attachments
