"""/imagine with a control picture: painted along it, in its shape, and the map stands below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diffusers import UNet2DConditionModel
from discord import Permissions
from PIL import Image, ImageChops

from cogs.messages.job_messages import JobMessages
from engine import ControlSettings, SafetySettings
from tests.cogs.app import App, image, number, told
from tests.cogs.generate.test_masks import photo, upload
from tests.cogs.moderation.reviewing import shown
from tests.discord_server import Member, Message
from tests.discord_server.messages import walk
from tests.tiny.classifier import classifier
from tests.tiny.controlnet import controlnet

THUMBNAIL, GALLERY = 11, 12
"""Types of components."""


@pytest.fixture
def control_app(app: App, tmp_path: Path) -> App:
    """A server where tiny models can be controlled by edges, tiles and poses."""
    unet = UNet2DConditionModel.from_pretrained(app.weights, subfolder="unet")
    folder = controlnet(tmp_path / "network", unet)
    types = ("edges", "tile", "pose")
    app.controls = {"all": ControlSettings(source=str(folder), family="sd", types=types)}
    return app


async def test_a_picture_is_painted_along_another_and_again_after_that(control_app: App) -> None:
    app = control_app
    async with app.open() as bot:
        use = await app.alice.slash(
            app.art,
            "imagine",
            prompt="a fish",
            control=upload(photo((96, 64))),
            control_type="edges",
            control_strength=0.8,
            control_end=0.5,
        )
        message = await app.done(await use.message())
        settings = message.text().splitlines()[-2]
        assert "control: edges 0.8" in settings
        assert "96×64" in settings or "80×56" in settings
        recipe = (await bot.studio.job(number(message))).recipe
        assert recipe.control is not None
        assert (recipe.control.network, recipe.control.end) == ("all", 0.5)
        map_file = bot.studio.control_maps.file(recipe.control)
        with Image.open(map_file) as found:
            assert found.size == (recipe.width, recipe.height)
        again = await app.done(await (await app.alice.click(message, label="Again")).message())
        repeated = (await bot.studio.job(number(again))).recipe
        assert repeated.control == recipe.control


async def along_edges(app: App, picture: Image.Image | None = None, **options: Any) -> Message:
    """The result of Alice's picture along the edges of another."""
    return await app.done(await asked(app, picture, **options))


async def asked(app: App, picture: Image.Image | None = None, **options: Any) -> Message:
    """Alice's picture along the edges of another, queued."""
    options = {"control_type": "edges", "seed": 1, **options}
    return await app.ask(app.alice, "a fish", control=upload(picture or photo()), **options)


def shown_map(message: Message) -> Image.Image | None:
    """The map in the message, which is the last of its attachments and shown small."""
    thumbnails = [part for part in walk(message.components) if part["type"] == THUMBNAIL]
    if not thumbnails:
        assert not any(each.filename.startswith("map-") for each in message.attachments)
        return None
    assert thumbnails[0]["media"]["url"].endswith(message.attachments[-1].filename)
    assert thumbnails[0]["description"] in message.text()
    return image(message.attachments[-1])


def covered(message: Message) -> tuple[bool, bool]:
    """Whether the first picture and the map are hidden as spoilers."""
    parts = {part["type"]: part for part in walk(message.components)}
    items = (parts[GALLERY]["items"][0], parts[THUMBNAIL])
    first, second = (bool(item.get("spoiler")) for item in items)
    return first, second


@pytest.mark.parametrize("options", [{"private": True}, {"count": 4}, {}])
async def test_the_map_stands_small_below_the_pictures(
    control_app: App, options: dict[str, Any]
) -> None:
    app = control_app
    async with app.open() as bot:
        message = await along_edges(app, **options)
        assert len(message.attachments) == options.get("count", 1) + 1
        assert message.text().endswith("Painted along: edges")
        assert "Show map" not in message.labels
        control = (await bot.studio.job(number(message))).recipe.control
        assert control is not None
        small = shown_map(message)
        assert small
        with Image.open(bot.studio.control_maps.file(control)) as stored:
            assert ImageChops.difference(small, stored).getbbox() is None
        await app.alice.click(message, label="⭐")
        await app.discord.until(lambda: "1" in message.labels)
        assert shown_map(message)


async def test_show_has_it_below_the_pictures_too(control_app: App) -> None:
    app = control_app
    async with app.open() as bot:
        message = await along_edges(app)
        job = await bot.studio.job(number(message))
        answer = await (await app.bob.slash(app.art, "show", id=job.id)).message()
        assert "Painted along: edges" in answer.text()
        assert shown_map(answer)
        assert job.recipe.control is not None
        bot.studio.control_maps.file(job.recipe.control).unlink()
        answer = await (await app.bob.slash(app.art, "show", id=job.id)).message()
        assert len(answer.attachments) == 1, "the map is no longer stored"


async def test_it_is_there_after_a_restart(control_app: App) -> None:
    app = control_app
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await asked(app)
        app.discord.fail_next(method="PATCH", path=r"/webhooks/.*", status=500, times=1000)
        await app.release(blocker)
        await app.in_the_folder(bot, number(message))
        assert not message.attachments
    app.discord.rest.faults.clear()
    async with app.open():
        await app.done(message)
        assert shown_map(message)


async def test_a_tile_is_the_picture_that_was_sent_and_others_are_not_shown_it(
    control_app: App,
) -> None:
    async with control_app.open():
        message = await along_edges(control_app, control_type="tile")
        assert len(message.attachments) == 1
        assert shown_map(message) is None


async def test_a_map_for_which_there_is_no_room_is_left_out_and_the_pictures_stay(
    control_app: App,
) -> None:
    app = control_app
    async with app.open():
        whole = await along_edges(app)
        app.guild.attachment_size_limit = len(whole.attachments[0].read()) + 50
        message = await along_edges(app)
        assert [each.filename for each in message.attachments] == ["000002-1.png"]
        assert shown_map(message) is None
        assert all(request.status != 413 for request in app.discord.requests)


async def test_what_is_refused_as_too_large_is_tried_without_the_map(control_app: App) -> None:
    app = control_app
    async with app.open():
        whole = await along_edges(app)
        blocker = await app.occupy()
        message = await asked(app)
        app.guild.attachment_size_limit = len(whole.attachments[0].read()) + 50
        with app.discord.expecting(40005):
            await app.free(blocker)
            await app.done(message)
        assert [each.filename for each in message.attachments] == ["000003-1.png"]


async def test_a_map_that_is_gone_is_left_out(control_app: App) -> None:
    app = control_app
    async with app.open() as bot:
        message = await along_edges(app)
        job = await bot.studio.job(number(message))
        assert job.recipe.control is not None
        bot.studio.control_maps.file(job.recipe.control).unlink()
        await bot.services[JobMessages].refresh(job)
        await app.discord.until(lambda: len(message.attachments) == 1)


@pytest.fixture
def mod(app: App) -> Member:
    return app.guild.add_member(
        "mod", permissions=Permissions(moderate_members=True, manage_guild=True)
    )


async def test_the_map_of_what_is_withheld_is_withheld(
    control_app: App, mod: Member, tmp_path: Path
) -> None:
    app = control_app
    app.safety = SafetySettings(classifier=str(classifier(tmp_path / "strict", "all")))
    async with app.open(unsafe_pictures="withhold"):
        message = await along_edges(app)
        assert message.attachments == []
        await mod.click(message, label="Release")
        await app.discord.until(lambda: message.attachments)
        assert shown_map(message) is None, "nobody has looked at it"
        private = await along_edges(app, private=True)
        assert covered(private) == (True, True)


async def test_the_map_is_covered_as_the_pictures_are(control_app: App, tmp_path: Path) -> None:
    app = control_app
    app.safety = SafetySettings(classifier=str(classifier(tmp_path / "strict", "all")))
    async with app.open():
        assert covered(await along_edges(app)) == (True, True)
        red = app.guild.add_channel("red", nsfw=True)
        assert covered(await along_edges(app, where=red)) == (False, False)


@pytest.mark.parametrize(("policy", "hidden"), [("spoiler", (False, True)), ("withhold", None)])
async def test_a_finished_map_is_checked_like_a_picture(
    control_app: App, tmp_path: Path, policy: str, hidden: tuple[bool, bool] | None
) -> None:
    app = control_app
    app.safety = SafetySettings(classifier=str(classifier(tmp_path / "bright", "bright")))
    async with app.open(unsafe_pictures=policy) as bot:
        white, black = [
            await along_edges(app, Image.new("RGB", (64, 64), colour), control_type="edges-map")
            for colour in ("white", "black")
        ]
        [verdict] = await bot.studio.safety.verdicts(number(white))
        assert not verdict.flagged
        assert (covered(white) if shown_map(white) else None) == hidden
        assert covered(black) == (False, False)
        for who, seen in ((app.alice, (False, True)), (app.bob, hidden)):
            shown = await (await who.slash(app.art, "show", id=number(white))).message()
            assert (covered(shown) if shown_map(shown) else None) == seen


async def test_who_reviews_it_is_told_of_the_map_that_is_shown_with_it(
    control_app: App, mod: Member
) -> None:
    app = control_app
    async with app.open():
        await mod.slash(app.art, "words review", word="fish")
        control = upload(photo())
        await app.alice.slash(
            app.art, "imagine", prompt="a fish", control=control, control_type="edges"
        )
        question = await shown(app, app.art)
        assert "Its map is shown below the result." in question.text()
        await mod.click(question, label="Approve")
        assert shown_map(await app.done(await shown(app, app.art, "Painted along")))


async def test_older_messages_have_a_button_for_the_one_who_sent_it(control_app: App) -> None:
    app = control_app
    async with app.open():
        message = await along_edges(app, control_type="tile")
        parts = walk(message.components)
        button = next(each for each in parts if each.get("custom_id") == "atelier:again:1")
        button |= {"custom_id": "atelier:map:1", "label": "Show map"}
        answer = await (await app.alice.click(message, label="Show map")).message()
        [attachment] = answer.attachments
        assert answer.ephemeral
        assert image(attachment).format == "PNG"
        assert "Only the person" in await told(await app.bob.click(message, label="Show map"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"control_strength": 0.5}, "Control needs a picture"),
        ({"control": "photo"}, "choose a `control_type`"),
        ({"control": "photo", "control_type": "depth"}, "can't paint along depth here"),
        ({"control": "photo", "control_type": "pose"}, "`pose_model` in the section `[maps]`"),
        (
            {"control": "photo", "control_type": "edges", "control_start": 0.9, "control_end": 0.2},
            "must start before it ends",
        ),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_is_queued(
    control_app: App, options: dict[str, object], sentence: str
) -> None:
    app = control_app
    if "control" in options:
        options = options | {"control": upload(photo())}
    async with app.open() as bot:
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", **options)
        assert sentence in await told(use)
        assert bot.studio.queue() == []


async def test_without_a_network_the_owner_is_told_what_to_set(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(
            app.art, "imagine", prompt="a fish", control=upload(photo()), control_type="pose-map"
        )
        assert "[controls.NAME]" in await told(use)
