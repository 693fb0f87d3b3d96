"""What the classifier objects to: covered or withheld everywhere, until it is released."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from discord import Permissions

from engine import Parent, SafetySettings
from engine.diffusion.image_classifier import Classifier
from speech import recalled
from tests.discord_server import Channel, Member, Message
from tests.discord_server.messages import walk
from tests.tiny.classifier import classifier

from tests.cogs.app import PATIENCE, House, number, told, told_after, until

WITHHELD = "This may not be fit for a channel that is not age-restricted, so it is withheld."
STRANGER = "That needs the permission Timeout Members or Manage Server"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> SafetySettings:
    """Everything is unsafe."""
    folder: Path = tmp_path_factory.mktemp("classifier")
    return SafetySettings(classifier=str(classifier(folder, "all")))


@pytest.fixture(autouse=True)
def _judged(house: House, strict: SafetySettings) -> None:
    house.safety = strict


@pytest.fixture
def mod(house: House) -> Member:
    return house.guild.add_member("mod", permissions=Permissions(moderate_members=True))


def spoilers(message: Message) -> list[bool]:
    """Of each picture that the message shows, whether it is covered."""
    return [
        bool(item.get("spoiler"))
        for part in walk(message.components)
        if part["type"] in (11, 12)
        for item in (part["items"] if part["type"] == 12 else [part])
    ]


async def shown(house: House, who: Member, job: int, where: Channel | None = None) -> Message:
    """What `/show` answers."""
    return await (await who.slash(where or house.art, "show", id=job)).message()


async def released(house: House, message: Message) -> None:
    await house.discord.until(lambda: message.attachments)


async def test_unsafe_pictures_are_covered_until_they_are_released(
    house: House, mod: Member
) -> None:
    async with house.open() as bot:
        message = await house.painted(house.alice, count=2)
        assert spoilers(message) == [True, True]
        said = await told(await house.bob.slash(house.art, "release", job=1))
        assert said.startswith(STRANGER)
        said = await told(await mod.slash(house.art, "release", job=1))
        assert said == "The pictures of job 1 are shown now."
        await house.discord.until(lambda: spoilers(message) == [False, False])
        assert message.labels[:2] == ["Picture 1", "Picture 2"]
        said = await told(await mod.slash(house.art, "release", job=1))
        assert said == "Nothing is hidden of job 1."
        [deed] = await bot.studio.keeper.deeds(f"guild:{house.guild.id}", 9)
        assert deed.by == str(mod.user.id)
        assert recalled(deed.what) == (
            f"released job 1 of {house.alice.mention} (nsfw 100%, nsfw 100%)"
        )
        assert (await told(await mod.slash(house.art, "release", job=9))).startswith("There is no")


@pytest.mark.parametrize("kind", ["channel", "thread"])
async def test_in_an_age_restricted_place_they_are_shown(house: House, kind: str) -> None:
    where = house.guild.add_channel("red", nsfw=True)
    if kind == "thread":
        where = house.guild.add_channel("late", kind="thread", parent=where)
    async with house.open(unsafe_pictures="withhold"):
        message = await house.painted(house.alice, where=where)
        assert spoilers(message) == [False]
        assert spoilers(await shown(house, house.bob, 1, where)) == [False]
        # The same picture is not shown in other places to those who may not see it there.
        elsewhere = await shown(house, house.bob, 1)
        assert (spoilers(elsewhere), "withheld here" in elsewhere.text()) == ([], True)


async def test_a_withheld_picture_is_nowhere_until_a_moderator_releases_it(
    house: House, mod: Member
) -> None:
    async with house.open(unsafe_pictures="withhold") as bot:
        message = await house.painted(house.alice, seed=5)
        assert message.attachments == []
        assert WITHHELD in message.text()
        assert message.labels == ["Release", "Again", "Delete"]
        for who in (house.bob, house.alice):
            assert (await told(await who.click(message, label="Release"))).startswith(STRANGER)
        # Who asked for it sees it covered; others do not, and cannot go on from it.
        assert spoilers(await shown(house, house.alice, 1)) == [True]
        theirs = await shown(house, house.bob, 1)
        assert (spoilers(theirs), theirs.labels) == ([], ["Again"])
        listed = await (await house.alice.slash(house.art, "history")).message()
        assert spoilers(listed) == [True]
        # A look, and the button there: two moderators at once are told apart.
        looked = await shown(house, mod, 1)
        assert (spoilers(looked), looked.labels) == ([True], ["Again", "", "Release"])
        assert "🔒 nsfw 100%" in looked.text()
        sentences = [
            await told(await mod.click(where, label="Release")) for where in (looked, message)
        ]
        assert sentences == ["The pictures of job 1 are shown now.", "Nothing is hidden of job 1."]
        await released(house, message)
        assert spoilers(message) == [False]
        assert "Vary (subtle)" in message.labels
        assert spoilers(await shown(house, house.bob, 1)) == [False]
        await house.settled(bot)


async def test_withheld_and_released_outlast_restarts(
    house: House, mod: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open(unsafe_pictures="withhold"):
        message = await house.painted(house.alice)
        assert "Release" in message.labels
    async with house.open(unsafe_pictures="withhold") as bot:
        # The program dies after the decision, before the message is changed.
        monkeypatch.setattr(bot, "show_again", AsyncMock())
        await told(await mod.click(message, label="Release"))
        assert message.attachments == []
    async with house.open(unsafe_pictures="withhold") as bot:
        await released(house, message)
        assert spoilers(message) == [False]
        await house.settled(bot)


async def test_the_buttons_of_a_picture_that_is_withheld_do_nothing(
    house: House, mod: Member
) -> None:
    async with house.open():
        message = await house.painted(house.alice)
        await house.bob.click(message, label="⭐")
    async with house.open(unsafe_pictures="withhold"):
        listed = await (await house.bob.slash(house.art, "favourites")).message()
        assert (spoilers(listed), "🔒 withheld" in listed.text()) == ([], True)
        for label in ("Vary (subtle)", "Upscale 2× (fast)", "Use as start", "Send to DM"):
            said = await told_after(await house.bob.click(message, label=label))
            assert said == "The pictures of job 1 are withheld here: a moderator can release them."
        await (await house.alice.click(message, label="Send to DM")).message()
        [sent] = house.alice.dm.messages
        assert [each.filename for each in sent.attachments] == ["SPOILER_000001-1.png"]
        await told(await mod.slash(house.art, "release", job=1))
        copy = await house.done(
            await (await house.bob.click(message, label="Upscale 2× (fast)")).message()
        )
        assert spoilers(copy) == [False]


async def test_the_gallery_and_the_lists_cover_what_is_covered(house: House) -> None:
    boss = house.guild.add_member("boss", permissions=Permissions(manage_guild=True))
    hall = house.guild.add_channel("hall")
    async with house.open():
        await told(await boss.slash(house.art, "gallery", channel=hall))
        message = await house.painted(house.alice)
        await house.bob.click(message, label="⭐")
        await house.discord.until(lambda: hall.messages)
        assert spoilers(hall.messages[0]) == [True]
        assert spoilers(message) == [True]
        listed = await (await house.bob.slash(house.art, "favourites")).message()
        assert spoilers(listed) == [True]
        copy = await house.done(
            await (await house.bob.click(message, label="Upscale 2× (fast)")).message()
        )
        assert spoilers(copy) == [True]


async def test_previews_are_as_discreet_as_pictures(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.diffusion.running_job.PREVIEW_EVERY", 0.0)
    monkeypatch.setattr("engine.diffusion.running_job.PREVIEW_FROM", 0.0)
    async with house.open() as bot:
        covered = await house.occupy(count=1)
        await house.discord.until(lambda: spoilers(covered))
        assert spoilers(covered) == [True]
        await house.free(covered)
        bot.settings = bot.settings.model_copy(update={"unsafe_pictures": "withhold"})
        none = await house.occupy(count=1)
        await until(lambda: _preview(bot, number(none)), bool)
        await house.free(none)
        assert not any(look.attachments for look in none.looks)


async def _preview(bot: Any, job: int) -> bytes | None:
    preview: bytes | None = bot.studio.event(job).preview
    return preview


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_server_may_show_everything_only_where_the_owner_allows(
    house: House, allowed: bool
) -> None:
    async with house.open(unsafe_may_be_shown=allowed) as bot:
        await bot.studio.preferences.set(
            f"guild:{house.guild.id}", "settings", '{"nsfw": "off", "channels": []}'
        )
        assert spoilers(await house.painted(house.alice)) == [not allowed]


async def test_what_cannot_be_judged_is_covered_and_never_withheld(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Classifier, "judge", lambda self, picture: 1 / 0)
    async with house.open(unsafe_pictures="withhold"):
        assert spoilers(await house.painted(house.alice)) == [True]
    assert "the classifier has failed" in caplog.text


async def test_safe_pictures_are_shown_as_ever(house: House, tmp_path: Path) -> None:
    folder = classifier(tmp_path / "lax", "none")
    house.safety = SafetySettings(classifier=str(folder))
    async with house.open(unsafe_pictures="withhold") as bot:
        message = await house.painted(house.alice)
        assert spoilers(message) == [False]
        [verdict] = await bot.studio.judgement.of(1)
        assert (verdict.flagged, verdict.judged) == (False, True)
        copy = await bot.studio.enlarge(Parent(1, 0), 2, owner="1", home=None)
        assert await bot.studio.judgement.of(copy.id) == (verdict,)


async def test_for_the_eyes_of_who_asked_alone_they_are_covered_never_withheld(
    house: House, mod: Member
) -> None:
    async with house.open(unsafe_pictures="withhold"):
        hidden = await house.painted(house.alice, private=True)
        assert (hidden.ephemeral, spoilers(hidden)) == (True, [True])
        direct = await house.painted(house.alice, where=house.alice.dm)
        assert spoilers(direct) == [True]
        # Nobody else comes near it, moderators neither.
        said = await told(await mod.slash(house.art, "release", job=number(hidden)))
        assert said.startswith("There is no job 1")
        said = await told(await mod.slash(house.art, "release", job=number(direct)))
        assert said.startswith("There is no job 2")


async def test_a_sheet_shows_its_pictures_as_they_are_released(house: House, mod: Member) -> None:
    async with house.open(unsafe_pictures="withhold") as bot:
        axis = {"x": "seed", "x_values": "1, 2"}
        use = await house.alice.slash(house.art, "grid", prompt="a fox", **axis)
        question = await use.message()
        await house.alice.click(question, label=question.labels[0])
        await house.discord.until(lambda: house.art.messages, PATIENCE)
        [sheet] = house.art.messages
        await house.discord.until(lambda: "withheld" in sheet.text(), PATIENCE)
        assert sheet.attachments == []
        await until(bot.studio.sheets.unsettled, lambda sheets: not sheets)
        for cell in ("0", "1"):
            looks = len(sheet.looks)
            own = await (await house.bob.select(sheet, cell)).message()
            assert (spoilers(own), WITHHELD in own.text()) == ([], True)
            own = await (await mod.select(sheet, cell)).message()
            assert spoilers(own) == [True]
            await told(await mod.click(own, label="Release"))
            await house.discord.until(partial(_changed, sheet, looks))
            assert spoilers(sheet) == [False]
        assert "withheld" not in sheet.text()
        await until(bot.studio.sheets.unsettled, lambda sheets: not sheets)


def _changed(message: Message, looks: int) -> bool:
    return len(message.looks) > looks


async def test_where_nobody_could_release_them_they_are_covered_never_withheld(
    house: House,
) -> None:
    abroad = house.discord.add_guild("Abroad", joined=False)
    square = abroad.add_channel("square")
    house.alice.user.installed = True
    alice = abroad.add_member("alice")
    admin = abroad.add_member("admin", permissions=Permissions(manage_guild=True))
    admin.user.installed = True
    async with house.open(unsafe_pictures="withhold") as bot:
        message = await house.painted(alice, where=square)
        assert spoilers(message) == [True]
        assert "Release" not in message.labels
        message.buttons[0]["custom_id"] = "atelier:release:1"
        use = await admin.click(message, custom_id="atelier:release:1")
        assert (await told(use)).startswith(STRANGER)
        [verdict] = await bot.studio.judgement.of(1)
        assert verdict.stands
        await house.settled(bot)


async def test_a_message_that_somebody_has_deleted_stays_so(house: House, mod: Member) -> None:
    async with house.open(unsafe_pictures="withhold") as bot:
        message = await house.painted(house.alice)
        await house.settled(bot)
        await house.art.delete(message)
        said = await told(await mod.slash(house.art, "release", job=1))
        assert said == "The pictures of job 1 are shown now."
    assert house.art.messages == []
