"""What makes no sense gets a sentence, in the language of whoever sent it; nothing else happens."""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image, PngImagePlugin

from cogs.messages.buttons import BUTTONS as JOB_BUTTONS
from cogs.messages.picture_buttons import BUTTONS
from engine import Style
from tests.cogs.app import App
from tests.discord_server import Member, Message, Permissions, Upload, Use

from .tour.notes import BROKE
from .tour.reading import english, of_look, says

MENUS = ("Use these settings", "Use as start image", "Picture details")

UNREADABLE = "This file can't be read as a picture"

SPEECH = "بيت أحمر\u202e 🏠👩🏽‍🎨 שלום"
"""From right to left, turned around, and with a family of code points in one sign."""

SHOWN = SPEECH.replace("\u202e", "")
"""Without what would turn around the text after it."""

LIES = """\
塔
Negative prompt: 雨
Steps: 99999999999, Sampler: Nonsense, CFG scale: nan, Seed: -5, Size: 999999x1, \
Model: ../../etc/passwd, Denoising strength: 7, Chaos: 99999999, Tiling: True"""
"""Settings none of which can be so."""


@pytest.fixture
def people(app: App) -> tuple[tuple[Member, str], ...]:
    """Alice reads English, Bob Chinese."""
    app.bob.locale = "zh-CN"
    return (app.alice, "en"), (app.bob, "zh_CN")


def file(picture: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **more)
    return buffer.getvalue()


def square(side: int = 64, colour: str = "red") -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def animated() -> bytes:
    """A GIF that blinks, with a frame that is transparent."""
    frames = [square(colour=colour) for colour in ("red", "green", "blue")]
    return file(frames[0], "GIF", save_all=True, append_images=frames[1:], transparency=0)


def inside(text: str) -> bytes:
    """A picture with that for settings."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    return file(square(), pnginfo=chunks)


def bomb() -> bytes:
    """A picture whose settings are small in the file and 64 MB out of it."""
    png = file(square())
    data = b"parameters\0\0" + zlib.compress(b"A" * 64_000_000, 9)
    chunk = b"zTXt" + data
    packed = len(data).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return png[:33] + packed + png[33:]  # after the signature and the header


REFUSED = [
    ("notes.txt", b"a house", "“{name}” isn't a supported picture"),
    ("house.png", b"a house", UNREADABLE),
    ("cut.png", file(square(512))[:200], UNREADABLE),
    ("wide.png", file(Image.new("1", (20_000, 4_000))), "The picture has {width}×{height} pixels"),
]
"""No picture, one that only says so, one that was cut off, one with too many pixels."""

TAKEN = [
    ("dot.png", file(square(1))),
    ("line.png", file(Image.new("L", (20_000, 1)))),
    ("blinking.gif", animated()),
    ("clear.png", file(Image.new("RGBA", (64, 64), (0, 0, 0, 0)))),
]
"""One pixel, a line of 20,000, one that moves, one that shows nothing."""


async def heard(use: Use) -> str:
    """What somebody is told for themselves."""
    original = use.interaction.original
    await use.interaction.world.changes.until(
        lambda: use.followups or (original and not original.loading), 10
    )
    message = use.followups[0] if use.followups else await use.message()
    assert message.ephemeral, message
    return of_look(message.looks[-1])


def understood(text: str, template: str, language: str) -> None:
    """It is that sentence, in that language."""
    assert says(text, template, language), text
    if language != "en":
        assert english(text) == [], text


def incidents(app: App) -> list[str]:
    """What was said of bugs."""
    looks = (look for message in app.discord.world.messages.values() for look in message.looks)
    texts = map(of_look, looks)
    return [text for text in texts if any(says(text, BROKE, each) for each in ("en", "zh_CN"))]


async def test_what_is_no_picture_is_refused_wherever_it_can_be_sent(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    good = Upload("good.png", file(square()))
    async with app.open() as bot:
        for name, data, template in REFUSED:
            bad = Upload(name, data)
            for who, language in people:
                use = await who.slash(app.art, "imagine", prompt="塔", image=bad)
                understood(await heard(use), template, language)
                use = await who.slash(app.art, "imagine", prompt="塔", image=good, mask=bad)
                understood(await heard(use), template, language)
        assert await bot.studio.undelivered() == []
    assert [each for each in app.art.messages if not each.deleted] == []


async def test_what_is_no_picture_is_refused_in_every_menu(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    async with app.open() as bot:
        for name, data, template in REFUSED[:3]:
            posted = await app.alice.say(app.art, files=[Upload(name, data)])
            expected = "This message has no picture attached" if name == "notes.txt" else template
            for who, language in people:
                for menu in MENUS:
                    use = await who.use_on_message(posted, menu)
                    said = await heard(use)
                    if not says(said, expected, language):
                        assert name == "cut.png"  # what is before the cut can be read
                        none = menu == "Picture details" and "no settings found"
                        understood(said, none or "This picture has no settings in it", language)
        assert await bot.studio.undelivered() == []


async def test_unusual_pictures_are_started_from(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    async with app.open():
        for name, data in TAKEN:
            who, language = people[len(name) % 2]
            upload = Upload(name, data)
            use = await who.slash(app.art, "imagine", prompt="塔", image=upload, strength=0.5)
            message = await use.message()
            await app.discord.until(lambda: message.attachments, 30)  # noqa: B023
            understood(message.text(), "start image, strength", language)
    assert incidents(app) == []


@pytest.mark.parametrize(
    ("mask", "template"),
    [
        (file(Image.new("L", (32, 64), 255)), "The mask is"),
        (file(Image.new("L", (64, 64))), "The mask is empty"),
    ],
    ids=["another shape", "nothing"],
)
async def test_a_mask_that_does_not_fit_is_refused_at_both_places(
    app: App, people: tuple[tuple[Member, str], ...], mask: bytes, template: str
) -> None:
    image, marks = Upload("good.png", file(square())), Upload("mask.png", mask)
    async with app.open() as bot:
        painted = await app.painted(app.alice, "塔")
        for who, language in people:
            use = await who.slash(app.art, "imagine", prompt="塔", image=image, mask=marks)
            understood(await heard(use), template, language)
            more = await (await who.click(painted, custom_id="atelier-picture:more:1:0")).message()
            shown = await (await who.click(more, custom_id="atelier-picture:fill:1:0")).message()
            opened = await who.click(shown, custom_id="atelier-fill:1:0:mask")
            modal = await opened.modal()
            use = await who.submit(modal, {"prompt": "鱼", "mask": marks})
            said = await heard(use)
            understood(said, template, language)
            assert "鱼" in said, "what was written is given back"
        assert await bot.studio.undelivered() == []


async def test_settings_that_lie_are_left_out_and_huge_ones_not_read(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    huge = [
        (inside("A" * 100_001), "The embedded settings have {length} characters"),
        (inside("A" * 5000), "The {name} in this picture has {length} characters"),
        (bomb(), "The embedded settings have {length} characters"),
    ]
    async with app.open() as bot:
        for data, template in huge:
            posted = await app.alice.say(app.art, files=[Upload("big.png", data)])
            for who, language in people:
                use = await who.use_on_message(posted, MENUS[0])
                understood(await heard(use), template, language)
        posted = await app.alice.say(app.art, files=[Upload("lies.png", inside(LIES))])
        for who, _ in people:
            shown = await (await who.use_on_message(posted, MENUS[0])).message()
            opened = await who.click(shown, custom_id="atelier-settings:change")
            use = await who.submit(await opened.modal(), {})
            message = await use.message()
            await app.discord.until(lambda: message.attachments, 30)  # noqa: B023
            recipe = (await bot.studio.job(int(_job(message)))).recipe
            assert (recipe.model, recipe.width, recipe.height) == ("tiny", 64, 64)
            assert (recipe.num_inference_steps, recipe.guidance_scale) == (2, 7)
    assert incidents(app) == []


def _job(message: Message) -> str:
    ids: Iterator[list[str]] = (each["custom_id"].split(":") for each in message.buttons)
    return next(parts[2] for parts in ids if parts[0] == "atelier")


async def test_prompts_of_nothing_and_of_too_much_are_refused(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    empty, long = "The prompt is empty", "The {name} has {length} characters"
    async with app.open() as bot:
        painted = await app.painted(app.alice, "塔")
        for who, language in people:
            for nothing in (" \t \u3000 ", "\n\n"):
                use = await who.slash(app.art, "imagine", prompt=nothing)
                understood(await heard(use), empty, language)
            opened = await who.click(painted, custom_id="atelier-picture:remix:1:0")
            use = await who.submit(await opened.modal(), {"prompt": " \n "})
            understood(await heard(use), empty, language)
            # The client takes no more than 2000; this is one that does.
            opened = await who.click(painted, custom_id="atelier-picture:remix:1:0")
            modal = await opened.modal()
            for each in modal.fields:
                each["max_length"] = 4000
            use = await who.submit(modal, {"prompt": "塔" * 4000})
            said = await heard(use)
            understood(said, long, language)
            assert said.count("塔") > 1900, "what was written is given back"
        assert await bot.studio.undelivered() == []


async def test_a_style_does_not_make_a_prompt_longer_than_any_may_be(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    async with app.open() as bot:
        style = Style(name="lang", prompt="{prompt}" + "，画" * 400)
        await bot.studio.styles.save(f"guild:{app.guild.id}", style)
        for who, language in people:
            use = await who.slash(app.art, "imagine", prompt="塔" * 1900, style="lang")
            understood(await heard(use), "The {name} has {length} characters", language)
        assert await bot.studio.undelivered() == []


async def test_somebody_elses_private_picture_is_as_if_it_were_not_there(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    """Not even for moderators, who may call it off; a number that is nobody's is told alike."""
    unseen = "Job {number} doesn't exist or isn't visible here"
    powers = Permissions(manage_messages=True, moderate_members=True)
    for who, _ in people:
        app.guild.add_member(who.name, permissions=powers)
    carol = app.guild.add_member("carol")
    async with app.open() as bot:
        use = await carol.slash(app.art, "imagine", prompt="secretine", private=True)
        await use.message()
        await app.settled(bot)
        others = await app.painted(carol, "塔")
        for who, language in people:
            for command, name in (("show", "id"), ("release", "job")):
                for job in (1, 99):
                    said = await heard(await who.slash(app.art, command, **{name: job}))
                    understood(said, unseen, language)
            verbs = [f"atelier:{verb}:1" for verb in JOB_BUTTONS]
            for custom_id in verbs + [f"atelier-picture:{verb}:1:0" for verb in BUTTONS]:
                others.buttons[0]["custom_id"] = custom_id
                use = await who.click(others, custom_id=custom_id)
                await app.discord.until(lambda: use.followups or use.interaction.original, 10)  # noqa: B023
                understood(await heard(use), unseen, language)
        assert (await bot.studio.job(1)).pictures
    for message in app.discord.world.messages.values():
        if any(who.sees(message) for who, _ in people):
            assert not any("secretine" in of_look(look) for look in message.looks)


async def test_text_of_any_script_is_shown_as_it_is_everywhere(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    async with app.open() as bot:
        for who, language in people:
            use = await who.slash(app.art, "imagine", prompt=SPEECH)
            message = await use.message()
            await app.discord.until(lambda: message.attachments, 30)  # noqa: B023
            assert message.text().startswith(f"**{SHOWN}**")
            job = int(_job(message))
            for command, more in (("show", {"id": job}), ("history", {"words": "שלום"})):
                shown = await (await who.slash(app.art, command, **more)).message()
                assert SHOWN in shown.text()
                if language != "en":
                    assert english(of_look(shown.looks[-1])) == []
            use = await who.slash(app.art, "imagine", prompt="塔", model="\u202eשלום🏠")
            understood(await heard(use), "There's no model", language)
        assert await bot.studio.undelivered() == []
    assert incidents(app) == []


async def test_two_clicks_at_once_on_any_button_break_nothing(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    """Whoever is later is told so, or gets one of their own."""
    async with app.open() as bot:
        message = await app.painted(app.alice, "塔")
        ids = [each["custom_id"] for each in message.buttons]
        ids.sort(key=lambda each: "delete" in each)
        for custom_id in ids:
            both = [who for who, _ in people]
            uses = await asyncio.gather(*(who.click(message, custom_id=custom_id) for who in both))
            assert [use.failed for use in uses] == [None, None], custom_id
            await app.settled(bot)
        await app.discord.until(lambda: message.deleted, 10)
    assert incidents(app) == []


async def test_a_modal_sent_after_a_restart_is_taken_in_its_language(
    app: App, people: tuple[tuple[Member, str], ...]
) -> None:
    modals = []
    async with app.open():
        painted = await app.painted(app.alice, "塔")
        for who, _ in people:
            more = await (await who.click(painted, custom_id="atelier-picture:more:1:0")).message()
            for message, verb in ((painted, "remix"), (more, "start")):
                use = await who.click(message, custom_id=f"atelier-picture:{verb}:1:0")
                modals.append((who, await use.modal()))
    async with app.open() as bot:
        for (who, modal), language in zip(modals, ("en", "en", "zh_CN", "zh_CN"), strict=True):
            last = list(modal.labels())[-1]
            wrong = await who.submit(modal, {"prompt": "海", last: "很多"})
            said = await heard(wrong)
            understood(said, "“{text}” isn't a valid value for {name}.", language)
            assert "海" in said, "what was written is given back"
            modal.submitted = False
            right = await who.submit(modal, {"prompt": "海"})
            message = await right.message()
            await app.discord.until(lambda: message.attachments, 30)  # noqa: B023
            understood(message.text(), "from picture", language)
        await app.settled(bot)
