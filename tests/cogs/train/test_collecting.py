"""The pictures of a training: which are taken, what is said of the others, and their captions."""

from __future__ import annotations

import pytest

from engine import LimitReached, Training
from speech import say
from tests.cogs.app import App, number, told, told_after
from tests.discord_server import Member, Upload

from .scripted import ScriptedTrainings
from .steps import begun, collected, given, number_of, picture, service, shows


async def test_each_picture_that_cannot_be_used_is_told_with_its_reason(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open():
        card = await begun(app, mod)
        files = [
            picture(1),
            Upload("1__copy__.png", picture(1).data),
            Upload("broken.png", b"\x89PNG\r\n\x1a\nno"),
            picture(2, side=64),
            Upload("notes.txt", b"a cat"),
        ]
        use = await given(app, mod, card, *files)
        lines = (await told_after(use)).splitlines()
        assert lines[0] == "Not added:"
        assert [line.partition(":")[0] for line in lines[1:]] == [
            r"- **1\_\_copy\_\_.png**",
            "- **broken.png**",
            "- **2.png**",
            "- **notes.txt**",
        ]
        assert lines[1].endswith("This picture looks the same as picture 1.")
        assert "64×64 pixels" in lines[3]
        await shows(app, card, "1 picture ·")
        assert "Add at least 5 more pictures." in card.text()


async def test_own_pictures_come_with_their_prompts_but_private_ones_stay_private(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        public = await app.painted(mod, "a public fox", size="128x128")
        secret = await app.painted(mod, "a secret fox", size="128x128", private=True)
        card = await begun(app, mod)
        modal = await (await mod.click(card, label="Add pictures")).modal()
        [menu] = [field for field in modal.fields if field["type"] == 3]
        assert [option["label"] for option in menu["options"]] == [
            f"{number(public)}.1: a public fox"
        ]
        forged = f"{number(secret)}:0"
        menu["options"].append({"label": "secret", "value": forged})
        menu["max_values"] = 2
        use = await mod.submit(modal, {"own": [f"{number(public)}:0", forged]})
        assert "is private, but everyone sees this training" in await told_after(use)
        [kept] = (await service(bot).get(number_of(card))).pictures
        assert kept.caption == "a public fox"


async def test_captions_are_proposed_edited_page_by_page_and_pictures_taken_out(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await collected(app, bot, mod)
        await mod.click(card, label="Propose captions")
        await shows(app, card, "6 with a caption")
        page = await (await mod.click(card, label="Pictures and captions")).message()
        assert page.ephemeral
        assert "**Picture 5**\n塔 5" in page.text()
        assert "Picture 6" not in page.text()
        await mod.click(page, label="▶️")
        await app.discord.until(lambda: "**Picture 6**" in page.text())
        await mod.click(page, label="◀️")
        await app.discord.until(lambda: "**Picture 1**" in page.text())
        modal = await (await mod.click(page, label="Edit these captions")).modal()
        await mod.submit(modal, {"Picture 2": "a *red* thing", "Picture 3": ""})
        await app.discord.until(lambda: r"a \*red\* thing" in page.text())
        await shows(app, card, "5 with a caption")
        await mod.click(page, label="2")
        await app.discord.until(lambda: "Picture 2" not in page.text())
        await shows(app, card, "5 pictures")
        training = await service(bot).get(number_of(card))
        assert [each.number for each in training.pictures] == [1, 3, 4, 5, 6]


async def test_captions_that_came_before_a_refusal_are_shown(
    scripted: App, mod: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = scripted

    async def two(trainings: ScriptedTrainings, training_id: int) -> Training:
        for each in (1, 2):
            await trainings.caption(training_id, each, "a tower")
        raise LimitReached(say("Wait an hour."))

    monkeypatch.setattr(ScriptedTrainings, "propose_captions", two)
    async with app.open() as bot:
        card = await collected(app, bot, mod)
        use = await mod.click(card, label="Propose captions")
        assert await told_after(use) == "Wait an hour."
        await shows(app, card, "2 with a caption")
        await bot.studio.moderation.block_word(f"guild:{app.guild.id}", "gore")
        page = await (await mod.click(card, label="Pictures and captions")).message()
        modal = await (await mod.click(page, label="Edit these captions")).modal()
        use = await mod.submit(modal, {"Picture 3": "a fox", "Picture 4": "gore"})
        assert "isn't allowed" in await told_after(use)
        await shows(app, card, "3 with a caption")
        await shows(app, page, "a fox")


async def test_a_person_in_the_pictures_has_to_have_agreed_whatever_is_clicked(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        card = await collected(app, bot, mod, kind="subject")
        [start] = [button for button in card.buttons if button["label"] == "Start"]
        start["disabled"] = False
        use = await mod.click(card, label="Start")
        assert "Say first that the person in the pictures agreed" in await told(use)
        await mod.click(card, label="The person agreed, or it's no person")
        await app.discord.until(lambda: "✅" in str(card.buttons))
        await mod.click(card, label="The person agreed, or it's no person")
        await app.discord.until(lambda: "⬜" in str(card.buttons))


@pytest.mark.parametrize("private", [False, True])
async def test_what_its_owner_has_forgotten_is_given_up_and_says_so(
    scripted: App, mod: Member, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    app = scripted
    monkeypatch.setattr("cogs.train.expiry.LOOK", 0.05)
    async with app.open() as bot:
        card = await collected(app, bot, mod, private=private)
        number = number_of(card)
        folder = (await service(bot).get(number)).folder
        assert "They are deleted if nothing is added for a week." in card.text()
        monkeypatch.setattr("engine.training.collection.LONGEST_IDLE", 0.0)
        await shows(app, card, "Nothing was added for a week, so its pictures were deleted.")
        assert not card.labels
        assert not folder.exists()


async def test_who_was_given_up_in_private_long_ago_is_told_in_a_dm(
    scripted: App, mod: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message of a private training can't be edited after 15 minutes."""
    app = scripted
    monkeypatch.setattr("cogs.train.expiry.LOOK", 0.05)
    async with app.open() as bot:
        await collected(app, bot, mod, private=True)
        app.discord.expire_tokens()
        monkeypatch.setattr("engine.training.collection.LONGEST_IDLE", 0.0)
        await app.discord.until(lambda: mod.dm.history, 20)
        assert "Nothing was added for a week" in mod.dm.history[0].text()
