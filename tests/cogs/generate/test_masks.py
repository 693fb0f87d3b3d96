"""/imagine with a start image and a mask: white areas are repainted, the rest stays."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageChops

from tests.cogs.app import App, image, number, refused, settings_line, told
from tests.discord_server import Message, Upload


def upload(drawn: Image.Image, name: str = "picture.png", kind: str = "PNG") -> Upload:
    """The picture as an upload."""
    buffer = BytesIO()
    drawn.save(buffer, kind, save_all=kind == "GIF")
    return Upload(name, buffer.getvalue())


def photo(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture of many colours."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    return Image.merge("RGB", (across, ImageChops.invert(across), Image.new("L", size, 60)))


def mask(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Its right half is white."""
    drawn = Image.new("L", size)
    drawn.paste(255, (size[0] // 2, 0, *size))
    return drawn


def hole() -> Image.Image:
    """The picture, its right half erased."""
    erased = photo()
    erased.putalpha(ImageChops.invert(mask()))
    return erased


async def kept(message: Message) -> bool:
    """Whether the left half is that of the photo, and the right half is not."""
    with image(message.attachments[0]) as painted:
        assert painted.size == (96, 64)
        difference = ImageChops.difference(painted, photo())
    left = difference.crop((0, 0, 48, 64)).getbbox() is None
    return left and difference.getbbox() is not None


@pytest.mark.parametrize(
    "mask_upload",
    [
        upload(mask()),
        upload(mask((192, 128)), "mask.webp", "WEBP"),
        upload(hole()),
        upload(mask(), "mask.gif", "GIF"),
    ],
    ids=["mask", "twice as large", "erased", "gif"],
)
async def test_only_the_masked_part_is_repainted_at_the_size_of_the_picture(
    app: App, mask_upload: Upload
) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(
            app.art, "imagine", prompt="a fish", image=upload(photo()), mask=mask_upload
        )
        message = await app.done(await use.message())
        assert await kept(message)
        assert "start image, strength 1" in settings_line(message)
        recipe = (await bot.studio.job(number(message))).recipe
        assert None not in (recipe.image, recipe.mask)


async def test_strength_and_size_can_be_chosen(app: App) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(
            app.art,
            "imagine",
            prompt="a fish",
            image=upload(photo()),
            mask=upload(mask()),
            strength=0.5,
            size="48x32",
        )
        recipe = (await bot.studio.job(number(await app.done(await use.message())))).recipe
        assert (recipe.strength, recipe.width, recipe.height) == (0.5, 48, 32)


async def test_a_start_image_keeps_its_shape(app: App) -> None:
    async with app.open():
        for size, painted in (((96, 64), (96, 64)), ((300, 300), (64, 64)), ((150, 300), (48, 88))):
            use = await app.alice.slash(
                app.art, "imagine", prompt="a fish", image=upload(photo(size))
            )
            with image((await app.done(await use.message())).attachments[0]) as shown:
                assert shown.size == painted


@pytest.mark.parametrize(
    ("mask_upload", "sentence"),
    [
        (Upload("mask.txt", b"white"), "“mask.txt” isn't a supported picture"),
        (Upload("mask.png", b"white"), "This file can't be read as a picture"),
        (upload(Image.new("L", (96, 64))), "The mask is empty"),
        (upload(mask((64, 64))), "The mask is 64×64 pixels, but the picture is 96×64"),
    ],
    ids=["text", "not a picture", "black", "another shape"],
)
async def test_an_invalid_mask_is_refused(app: App, mask_upload: Upload, sentence: str) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(
            app.art, "imagine", prompt="a fish", image=upload(photo()), mask=mask_upload
        )
        said = await (told(use) if use.response == 4 else refused(use))
        assert said.startswith(sentence)
        assert bot.studio.queue() == []


async def test_a_mask_needs_a_picture_and_a_model_that_can_inpaint(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "imagine", prompt="x", mask=upload(mask()))
        assert (await told(use)).endswith("Send that picture as `image`, too.")
        monkeypatch.setattr("cogs.policy.model_capabilities.can_inpaint", lambda model: False)
        use = await app.alice.slash(
            app.art, "imagine", prompt="x", image=upload(photo()), mask=upload(mask())
        )
        assert (await told(use)).startswith("tiny can't repaint just part of a picture")


async def test_several_prompts_share_the_picture_and_its_mask(app: App) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(
            app.art,
            "imagine",
            prompt="a {red, blue} fish",
            image=upload(photo()),
            mask=upload(mask()),
        )
        await app.done(await use.message())
        recipes = [(await bot.studio.job(each)).recipe for each in (1, 2)]
        assert recipes[0].mask == recipes[1].mask is not None
        assert [recipe.prompt for recipe in recipes] == ["a red fish", "a blue fish"]
        await app.settled(bot)
