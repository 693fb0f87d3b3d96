"""What the classifier objects to: covered or withheld everywhere, until it is released."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from discord import Permissions

from cogs.messages.job_messages import JobMessages
from engine import Parent, Requester, SafetySettings
from engine.diffusion.image_classifier import ImageClassifier
from speech import load_sentence
from tests.cogs.app import PATIENCE, App, number, told, told_after, until
from tests.discord_server import Channel, Member, Message
from tests.discord_server.messages import walk
from tests.tiny.classifier import classifier

WITHHELD = "This may not be suitable for a channel that isn't age-restricted, so it was withheld."
STRANGER = "You need the Timeout Members or Manage Server permission"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> SafetySettings:
    """Everything is unsafe."""
    folder: Path = tmp_path_factory.mktemp("classifier")
    return SafetySettings(classifier=str(classifier(folder, "all")))


@pytest.fixture(autouse=True)
def _judged(app: App, strict: SafetySettings) -> None:
    app.safety = strict


@pytest.fixture
def mod(app: App) -> Member:
    return app.guild.add_member("mod", permissions=Permissions(moderate_members=True))


def spoilers(message: Message) -> list[bool]:
    """Of each picture that the message shows, whether it is covered."""
    return [
        bool(item.get("spoiler"))
        for part in walk(message.components)
        if part["type"] in (11, 12)
        for item in (part["items"] if part["type"] == 12 else [part])
    ]


async def shown(app: App, who: Member, job: int, where: Channel | None = None) -> Message:
    """What `/show` answers."""
    return await (await who.slash(where or app.art, "show", id=job)).message()


async def released(app: App, message: Message) -> None:
    await app.discord.until(lambda: message.attachments)


async def test_unsafe_pictures_are_covered_until_they_are_released(app: App, mod: Member) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, count=2)
        assert spoilers(message) == [True, True]
        said = await told(await app.bob.slash(app.art, "release", job=1))
        assert said.startswith(STRANGER)
        said = await told(await mod.slash(app.art, "release", job=1))
        assert said == "The pictures of job 1 are now shown."
        await app.discord.until(lambda: spoilers(message) == [False, False])
        assert message.labels[:2] == ["Picture 1", "Picture 2"]
        said = await told(await mod.slash(app.art, "release", job=1))
        assert said == "Job 1 has no hidden pictures."
        [entry] = await bot.studio.moderation.audit_entries(f"guild:{app.guild.id}", 9)
        assert entry.by == str(mod.user.id)
        assert load_sentence(entry.what) == (
            f"released {app.alice.mention}'s job 1 (nsfw 100%, nsfw 100%)"
        )
        assert (await told(await mod.slash(app.art, "release", job=9))).startswith(
            "Job 9 doesn't exist"
        )


@pytest.mark.parametrize("kind", ["channel", "thread"])
async def test_in_an_age_restricted_place_they_are_shown(app: App, kind: str) -> None:
    where = app.guild.add_channel("red", nsfw=True)
    if kind == "thread":
        where = app.guild.add_channel("late", kind="thread", parent=where)
    async with app.open(unsafe_pictures="withhold"):
        message = await app.painted(app.alice, where=where)
        assert spoilers(message) == [False]
        assert spoilers(await shown(app, app.bob, 1, where)) == [False]
        # The same picture is not shown in other places to those who may not see it there.
        elsewhere = await shown(app, app.bob, 1)
        assert (spoilers(elsewhere), "withheld here" in elsewhere.text()) == ([], True)


async def test_a_withheld_picture_is_nowhere_until_a_moderator_releases_it(
    app: App, mod: Member
) -> None:
    async with app.open(unsafe_pictures="withhold") as bot:
        message = await app.painted(app.alice, seed=5)
        assert message.attachments == []
        assert WITHHELD in message.text()
        assert message.labels == ["Release", "Again", "Delete"]
        for who in (app.bob, app.alice):
            assert (await told(await who.click(message, label="Release"))).startswith(STRANGER)
        # Who asked for it sees it covered; others do not, and cannot go on from it.
        assert spoilers(await shown(app, app.alice, 1)) == [True]
        theirs = await shown(app, app.bob, 1)
        assert (spoilers(theirs), theirs.labels) == ([], ["Again"])
        listed = await (await app.alice.slash(app.art, "history")).message()
        assert spoilers(listed) == [True]
        # A look, and the button there: two moderators at once are told apart.
        looked = await shown(app, mod, 1)
        assert (spoilers(looked), looked.labels) == ([True], ["Again", "", "Release"])
        assert "🔒 nsfw 100%" in looked.text()
        sentences = [
            await told(await mod.click(where, label="Release")) for where in (looked, message)
        ]
        assert sentences == [
            "The pictures of job 1 are now shown.",
            "Job 1 has no hidden pictures.",
        ]
        await released(app, message)
        assert spoilers(message) == [False]
        assert "Vary (subtle)" in message.labels
        assert spoilers(await shown(app, app.bob, 1)) == [False]
        await app.settled(bot)


async def test_withheld_and_released_outlast_restarts(
    app: App, mod: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open(unsafe_pictures="withhold"):
        message = await app.painted(app.alice)
        assert "Release" in message.labels
    async with app.open(unsafe_pictures="withhold") as bot:
        # The program dies after the decision, before the message is changed.
        monkeypatch.setattr(bot.services[JobMessages], "refresh", AsyncMock())
        await told(await mod.click(message, label="Release"))
        assert message.attachments == []
    async with app.open(unsafe_pictures="withhold") as bot:
        await released(app, message)
        assert spoilers(message) == [False]
        await app.settled(bot)


async def test_the_buttons_of_a_picture_that_is_withheld_do_nothing(app: App, mod: Member) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        await app.bob.click(message, label="⭐")
    async with app.open(unsafe_pictures="withhold"):
        listed = await (await app.bob.slash(app.art, "favourites")).message()
        assert listed.text().startswith("Nothing found.")
        for label in ("Vary (subtle)", "More…"):
            said = await told_after(await app.bob.click(message, label=label))
            assert said == (
                "The pictures of job 1 are withheld here. A moderator can release them."
            )
        said = await told_after(await app.bob.use_on_message(message, "Use as start image"))
        assert "withheld here" in said, "before a prompt for it is asked for"
        await (await app.press(app.alice, message, "Send to DM")).message()
        [sent] = app.alice.dm.messages
        assert [each.filename for each in sent.attachments] == ["SPOILER_000001-1.png"]
        await told(await mod.slash(app.art, "release", job=1))
        copy = await app.done(
            await (await app.press(app.bob, message, "Upscale 2× (fast)")).message()
        )
        assert spoilers(copy) == [False]


async def test_what_is_withheld_is_no_reference_either(klein: App) -> None:
    sentence = "The pictures of job 1 are withheld here. A moderator can release them."
    async with klein.open(unsafe_pictures="withhold") as bot:
        message = await klein.painted(klein.alice, seed=5)
        link = f"https://discord.com/channels/{klein.guild.id}/{klein.art.id}/{message.id}"
        for named in ("1", link):
            prompt = f"a fox --model klein --oref {named}"
            use = await klein.bob.slash(klein.art, "imagine", prompt=prompt)
            assert await told_after(use) == sentence
        me = f"<@{klein.discord.world.bot.id}>"
        said = await klein.bob.say(klein.art, f"{me} at night", reply_to=message)
        await klein.discord.until(lambda: klein.art.history[-1].reference is said, PATIENCE)
        assert klein.art.history[-1].text() == sentence
        assert len(await bot.studio.several_jobs([1, 2])) == 1


async def test_the_gallery_and_the_lists_cover_what_is_covered(app: App) -> None:
    boss = app.guild.add_member("boss", permissions=Permissions(manage_guild=True))
    hall = app.guild.add_channel("hall")
    async with app.open():
        await told(await boss.slash(app.art, "gallery", channel=hall))
        message = await app.painted(app.alice)
        await app.bob.click(message, label="⭐")
        await app.discord.until(lambda: hall.messages)
        assert spoilers(hall.messages[0]) == [True]
        assert spoilers(message) == [True]
        listed = await (await app.bob.slash(app.art, "favourites")).message()
        assert spoilers(listed) == [True]
        copy = await app.done(
            await (await app.press(app.bob, message, "Upscale 2× (fast)")).message()
        )
        assert spoilers(copy) == [True]


async def test_previews_are_as_discreet_as_pictures(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.diffusion.running_job.PREVIEW_INTERVAL", 0.0)
    monkeypatch.setattr("engine.diffusion.running_job.PREVIEW_MIN_DURATION", 0.0)
    async with app.open() as bot:
        covered = await app.occupy(count=1)
        await app.discord.until(lambda: spoilers(covered))
        assert spoilers(covered) == [True]
        await app.free(covered)
        bot.settings = bot.settings.model_copy(update={"unsafe_pictures": "withhold"})
        none = await app.occupy(count=1)
        await until(lambda: _preview(bot, number(none)), bool)
        await app.free(none)
        assert not any(look.attachments for look in none.looks)


async def _preview(bot: Any, job: int) -> bytes | None:
    preview: bytes | None = bot.studio.event(job).preview
    return preview


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_server_may_show_everything_only_where_the_owner_allows(
    app: App, allowed: bool
) -> None:
    async with app.open(unsafe_may_be_shown=allowed) as bot:
        await bot.studio.preferences.set(
            f"guild:{app.guild.id}", "settings", '{"nsfw": "off", "channels": []}'
        )
        assert spoilers(await app.painted(app.alice)) == [not allowed]


async def test_what_cannot_be_checked_is_covered_and_never_withheld(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ImageClassifier, "classify", lambda self, picture: 1 / 0)
    async with app.open(unsafe_pictures="withhold"):
        assert spoilers(await app.painted(app.alice)) == [True]
    assert "the classifier failed" in caplog.text


async def test_safe_pictures_are_shown_as_ever(app: App, tmp_path: Path) -> None:
    folder = classifier(tmp_path / "lax", "none")
    app.safety = SafetySettings(classifier=str(folder))
    async with app.open(unsafe_pictures="withhold") as bot:
        message = await app.painted(app.alice)
        assert spoilers(message) == [False]
        [verdict] = await bot.studio.safety.verdicts(1)
        assert (verdict.flagged, verdict.checked) == (False, True)
        copy = await bot.studio.enlarge(Parent(1, 0), 2, Requester(owner="1"))
        assert await bot.studio.safety.verdicts(copy.id) == (verdict,)


async def test_for_the_eyes_of_who_asked_alone_they_are_covered_never_withheld(
    app: App, mod: Member
) -> None:
    async with app.open(unsafe_pictures="withhold"):
        hidden = await app.painted(app.alice, private=True)
        assert (hidden.ephemeral, spoilers(hidden)) == (True, [True])
        direct = await app.painted(app.alice, where=app.alice.dm)
        assert spoilers(direct) == [True]
        # Nobody else comes near it, moderators neither.
        said = await told(await mod.slash(app.art, "release", job=number(hidden)))
        assert said.startswith("Job 1 doesn't exist")
        said = await told(await mod.slash(app.art, "release", job=number(direct)))
        assert said.startswith("Job 2 doesn't exist")


async def test_a_sheet_shows_its_pictures_as_they_are_released(app: App, mod: Member) -> None:
    async with app.open(unsafe_pictures="withhold") as bot:
        axis = {"x": "seed", "x_values": "1, 2"}
        use = await app.alice.slash(app.art, "grid", prompt="a fox", **axis)
        question = await use.message()
        await app.alice.click(question, label=question.labels[0])
        await app.discord.until(lambda: app.art.messages, PATIENCE)
        [grid] = app.art.messages
        await app.discord.until(lambda: "withheld" in grid.text(), PATIENCE)
        assert grid.attachments == []
        await until(bot.studio.grids.undelivered, lambda grids: not grids)
        for cell in ("0", "1"):
            looks = len(grid.looks)
            own = await (await app.bob.select(grid, cell)).message()
            assert (spoilers(own), WITHHELD in own.text()) == ([], True)
            own = await (await mod.select(grid, cell)).message()
            assert spoilers(own) == [True]
            await told(await mod.click(own, label="Release"))
            await app.discord.until(partial(_changed, grid, looks))
            assert spoilers(grid) == [False]
        assert "withheld" not in grid.text()
        await until(bot.studio.grids.undelivered, lambda grids: not grids)


def _changed(message: Message, looks: int) -> bool:
    return len(message.looks) > looks


async def test_where_nobody_could_release_them_they_are_covered_never_withheld(
    app: App,
) -> None:
    abroad = app.discord.add_guild("Abroad", joined=False)
    square = abroad.add_channel("square")
    app.alice.user.installed = True
    alice = abroad.add_member("alice")
    admin = abroad.add_member("admin", permissions=Permissions(manage_guild=True))
    admin.user.installed = True
    async with app.open(unsafe_pictures="withhold") as bot:
        message = await app.painted(alice, where=square)
        assert spoilers(message) == [True]
        assert "Release" not in message.labels
        message.buttons[0]["custom_id"] = "atelier:release:1"
        use = await admin.click(message, custom_id="atelier:release:1")
        assert (await told(use)).startswith(STRANGER)
        [verdict] = await bot.studio.safety.verdicts(1)
        assert verdict.unsafe
        await app.settled(bot)


async def test_a_message_that_somebody_has_deleted_stays_so(app: App, mod: Member) -> None:
    async with app.open(unsafe_pictures="withhold") as bot:
        message = await app.painted(app.alice)
        await app.settled(bot)
        await app.art.delete(message)
        said = await told(await mod.slash(app.art, "release", job=1))
        assert said == "The pictures of job 1 are now shown."
    assert app.art.messages == []
