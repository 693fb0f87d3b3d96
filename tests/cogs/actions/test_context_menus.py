"""Context menus: what any message's pictures tell, and what can be made of them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from engine.jobs.job import Parent
from tests.cogs.app import App, image, number, told
from tests.discord_server import Message, Upload

A1111 = (
    "a red house\nNegative prompt: rain\n"
    "Steps: 3, Sampler: Euler a, CFG scale: 5.5, Seed: 77, Size: 96x64, Model: tiny, "
    "Denoising strength: 0.5, Version: v1.10.1"
)


def png(parameters: str | None = None, size: tuple[int, int] = (8, 4)) -> Upload:
    """A picture as other programs write it."""
    info = PngImagePlugin.PngInfo()
    if parameters is not None:
        info.add_text("parameters", parameters)
    return _upload("theirs.png", "PNG", size, pnginfo=info)


def with_comment(name: str, kind: str, parameters: str) -> Upload:
    """A JPEG or WebP with its settings in the Exif."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + parameters.encode("utf-16-be")
    return _upload(name, kind, (8, 4), exif=exif)


def _upload(name: str, kind: str, size: tuple[int, int], **more: Any) -> Upload:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind, **more)
    return Upload(name, buffer.getvalue())


async def said(app: App, *files: Upload) -> Message:
    """Alice posts pictures."""
    return await app.alice.say(app.art, "look", files=files)


async def sentence(app: App, message: Message, menu: str) -> str:
    """What the menu's command said to Bob alone."""
    use = await app.bob.use_on_message(message, menu)
    if use.response == 5:
        refusal = await use.followup()
        assert refusal.ephemeral
        return refusal.text()
    return await told(use)


@pytest.mark.parametrize(
    "file",
    [
        png(A1111),
        with_comment("theirs.webp", "WEBP", A1111),
        with_comment("theirs.jpg", "JPEG", A1111),
    ],
    ids=["png", "webp", "jpeg"],
)
async def test_the_settings_inside_somebodys_picture_are_painted_with(
    app: App, file: Upload
) -> None:
    async with app.open() as bot:
        message = await said(app, file)
        use = await app.bob.use_on_message(message, "Use these settings")
        shown = await use.message()
        assert shown.ephemeral
        assert shown.text() == f"```\n{A1111}\n```"
        modal = await (await app.bob.click(shown, label="Paint with these settings")).modal()
        assert modal.prefilled() == {
            "Prompt": "a red house",
            "Negative prompt": "rain",
            "Steps": "3",
            "Guidance": "5.5",
            "Seed (empty for a random one)": "77",
        }
        sent = await app.bob.submit(modal, {"Prompt": "a blue house"})
        recipe = (await bot.studio.job(number(await app.done(await sent.message())))).recipe
        assert (recipe.prompt, recipe.negative_prompt) == ("a blue house", "rain")
        assert (recipe.width, recipe.height, recipe.seed) == (96, 64, 77)
        assert (recipe.scheduler, recipe.guidance_scale) == ("euler_a", 5.5)
        assert recipe.image is None


async def test_settings_survive_a_restart_and_lies_are_left_out(app: App) -> None:
    lies = "a boat\nSteps: 9999999, Sampler: Foo, CFG scale: 999, Seed: 99999999999, Size: 7x99999"
    async with app.open():
        message = await said(app, png(f"{lies}, Model: unheard of"))
        shown = await (await app.bob.use_on_message(message, "Use these settings")).message()
        modal = await (await app.bob.click(shown, label="Paint with these settings")).modal()
        assert modal.prefilled() == {"Prompt": "a boat"}
    async with app.open() as bot:
        sent = await app.bob.submit(modal, {})
        recipe = (await bot.studio.job(number(await app.done(await sent.message())))).recipe
        assert (recipe.model, recipe.width, recipe.num_inference_steps) == ("tiny", 64, 2)


async def test_settings_of_a_model_that_is_not_here_are_for_ones_own(app: App) -> None:
    async with app.open() as bot:
        await app.bob.slash(app.art, "me defaults", model="other")
        message = await said(app, png("a boat\nSteps: 3, Model: nova"))
        shown = await (await app.bob.use_on_message(message, "Use these settings")).message()
        assert "There's no model “nova” here; other is used." in shown.text()
        modal = await (await app.bob.click(shown, label="Paint with these settings")).modal()
        sent = await app.bob.submit(modal, {})
        recipe = (await bot.studio.job(number(await app.done(await sent.message())))).recipe
        assert (recipe.model, recipe.num_inference_steps) == ("other", 3)


async def test_what_of_the_settings_is_not_used_is_said(app: App) -> None:
    text = f"{'a' * 5000}\nSteps: 3, Sampler: Foo, Seed: {2**63}, Size: 7x99, Model: nova"
    async with app.open():
        message = await said(app, png(text))
        shown = await (await app.bob.use_on_message(message, "Use these settings")).message()
        for note in (
            "The prompt in this picture has 5000 characters, and only the first 2000 are used.",
            f"The seed {2**63} isn't used",
            "The sampler “Foo” isn't known here",
            "There's no model “nova” here; tiny is used.",
            "Not possible with tiny, so its defaults are used: size.",
        ):
            assert note in shown.text()
        modal = await (await app.bob.click(shown, label="Paint with these settings")).modal()
        assert modal.prefilled() == {"Prompt": "a" * 2000, "Steps": "3"}


async def test_one_bad_picture_of_several_does_not_hide_the_others(app: App) -> None:
    broken = Upload("broken.png", b"\x89PNG\r\n\x1a\n and nothing")
    async with app.open():
        message = await said(app, broken, png(A1111))
        shown = await (await app.bob.use_on_message(message, "Use these settings")).message()
        assert shown.text() == f"```\n{A1111}\n```"
        details = await (await app.bob.use_on_message(message, "Picture details")).message()
        assert "This file can't be read as a picture" in details.text()
        assert A1111 in details.text()
        panel = await (await app.bob.use_on_message(message, "Use as start image")).message()
        assert panel.labels == ["Start from picture 2"]
        assert "Picture 1: This file can't be read as a picture" in panel.text()


async def test_a_picture_whose_settings_cannot_be_read_names_its_program(app: App) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "{}")
    picture = _upload("comfy.png", "PNG", (8, 4), pnginfo=info)
    async with app.open():
        told_alone = await sentence(app, await said(app, picture), "Use these settings")
        assert told_alone.startswith("This picture was written by ComfyUI, but its settings")


async def test_our_own_picture_needs_no_settings_inside(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5)
        message.attachments[0].data = png().data
        modal = await (await app.bob.use_on_message(message, "Use these settings")).modal()
        assert modal.prefilled()["Seed (empty for a random one)"] == "5"
        again = await app.done(await (await app.bob.submit(modal, {})).message())
        job = await bot.studio.job(number(again))
        assert (job.recipe.seed, job.parent) == (5, Parent(1, 0))


async def test_somebodys_picture_is_started_from_also_after_a_restart(app: App) -> None:
    async with app.open():
        message = await said(app, png(), png(size=(4, 8)))
        panel = await (await app.bob.use_on_message(message, "Use as start image")).message()
        assert panel.ephemeral
        assert panel.labels == ["Start from picture 1", "Start from picture 2"]
    async with app.open() as bot:
        modal = await (await app.bob.click(panel, label="Start from picture 2")).modal()
        sent = await app.bob.submit(modal, {"Prompt": "a boat"})
        recipe = (await bot.studio.job(number(await app.done(await sent.message())))).recipe
        assert (recipe.prompt, recipe.strength) == ("a boat", 0.6)
        assert (recipe.width, recipe.height) == (48, 88)  # of those on offer the most like 4×8
        with Image.open(app.folder / "uploads" / str(recipe.image)) as kept:
            assert kept.size == (4, 8)


async def test_a_start_image_is_painted_from_with_ones_own_model(app: App) -> None:
    async with app.open() as bot:
        await app.bob.slash(app.art, "me defaults", model="other")
        message = await said(app, png())
        panel = await (await app.bob.use_on_message(message, "Use as start image")).message()
        modal = await (await app.bob.click(panel, label="Start from picture 1")).modal()
        sent = await app.bob.submit(modal, {"Prompt": "a boat"})
        recipe = (await bot.studio.job(number(await app.done(await sent.message())))).recipe
        assert recipe.model == "other"


async def test_an_upload_that_was_cleared_away_meanwhile_gets_a_sentence(app: App) -> None:
    async with app.open():
        message = await said(app, png())
        panel = await (await app.bob.use_on_message(message, "Use as start image")).message()
        modal = await (await app.bob.click(panel, label="Start from picture 1")).modal()
        [kept] = (app.folder / "uploads").iterdir()
        kept.unlink()
        use = await app.bob.submit(modal, {"Prompt": "a boat"})
        assert await told(use) == (
            "The start image is no longer stored. Send it again.\n-# Your prompt: a boat"
        )


async def test_one_of_our_own_pictures_is_started_from(app: App) -> None:
    async with app.open() as bot:
        one = await app.painted(app.alice)
        modal = await (await app.bob.use_on_message(one, "Use as start image")).modal()
        assert modal.prefilled()["Prompt"] == "a red house"
        two = await app.painted(app.alice, count=2)
        panel = await (await app.bob.use_on_message(two, "Use as start image")).message()
        modal = await (await app.bob.click(panel, label="Start from picture 2")).modal()
        sent = await app.bob.submit(modal, {"Prompt": "a boat"})
        job = await bot.studio.job(number(await app.done(await sent.message())))
        assert (job.parent, job.recipe.count) == (Parent(2, 1), 1)


async def test_details_tell_what_is_known_of_a_picture(app: App) -> None:
    async with app.open():
        ours = await app.painted(app.alice, count=2, seed=5)
        text = (await (await app.bob.use_on_message(ours, "Picture details")).message()).text()
        assert text.startswith(f"```\n{image(ours.attachments[0]).info['parameters']}\n\n")
        assert "Seed: 6" in text
        theirs = await said(app, png(A1111), png())
        use = await app.bob.use_on_message(theirs, "Picture details")
        text = (await use.message()).text()
        assert "theirs.png · 8×4" in text
        assert A1111 in text
        assert text.endswith("no settings found\n```")


@pytest.mark.parametrize("menu", ["Use these settings", "Use as start image", "Picture details"])
async def test_a_message_without_a_picture_gets_a_sentence(app: App, menu: str) -> None:
    async with app.open():
        message = await said(app, Upload("notes.txt", b"no picture"))
        told_alone = await sentence(app, message, menu)
        assert told_alone == "This message has no picture attached."


@pytest.mark.parametrize("menu", ["Use these settings", "Use as start image", "Picture details"])
async def test_a_file_that_only_says_it_is_a_picture_gets_a_sentence(app: App, menu: str) -> None:
    async with app.open():
        message = await said(app, Upload("broken.png", b"\x89PNG\r\n\x1a\n and nothing"))
        told_alone = await sentence(app, message, menu)
        assert told_alone.startswith("This file can't be read as a picture")


async def test_settings_that_are_missing_or_huge_get_a_sentence(app: App) -> None:
    async with app.open():
        bare = await sentence(app, await said(app, png()), "Use these settings")
        assert bare.startswith("This picture has no settings in it")
        huge = await sentence(app, await said(app, png("A" * 100_001)), "Use these settings")
        assert huge == "The embedded settings have 100001 characters; the limit is 100000."


async def test_a_button_that_somebody_else_posted_is_not_taken_for_ours(app: App) -> None:
    async with app.open():
        ours = await app.painted(app.alice)
        theirs = await said(app, png())
        theirs.components = ours.components
        told_alone = await sentence(app, theirs, "Use these settings")
        assert told_alone.startswith("This picture has no settings in it")


@pytest.mark.parametrize("menu", ["Use these settings", "Use as start image", "Picture details"])
async def test_a_picture_that_became_private_tells_others_nothing(app: App, menu: str) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        await app.settled(bot)
        job = await bot.studio.job(1)
        await bot.studio.set_message_ref(1, {**job.message_ref, "private": True})
        told_alone = await sentence(app, message, menu)
        assert told_alone.startswith("Job 1 doesn't exist or isn't visible here")
