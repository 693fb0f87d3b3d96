"""/edit and /blend, the button Edit, and “Edit this picture”."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from engine import Parent
from tests.cogs.app import App, number, refused, settings_line, told
from tests.cogs.generate.test_masks import photo, upload
from tests.discord_server import Upload

FOUR = ("image", "image2", "image3", "image4")


def pictures(count: int) -> dict[str, Any]:
    """The options of a command, each a picture of its own."""
    shapes = ((96, 64), (64, 64), (64, 96), (128, 64))
    return {name: upload(photo(shape)) for name, shape in zip(FOUR[:count], shapes, strict=False)}


async def test_words_change_a_picture_with_a_model_that_can_in_the_picture_s_shape(
    klein: App,
) -> None:
    async with klein.open() as bot:
        use = await klein.alice.slash(klein.art, "edit", prompt="make it night", **pictures(2))
        message = await klein.done(await use.message())
        recipe = (await bot.studio.job(number(message))).recipe
        assert (recipe.model, recipe.width, recipe.height) == ("klein", 96, 64)
        assert len(recipe.references) == 2
        assert recipe.image is None
        assert "2 reference pictures" in settings_line(message)
        again = await klein.press(klein.bob, message, "Again")
        again_message = await klein.done(await again.message())
        assert (await bot.studio.job(number(again_message))).recipe.references == recipe.references


async def test_several_pictures_become_one_in_the_model_s_own_shape(klein: App) -> None:
    async with klein.open() as bot:
        use = await klein.alice.slash(klein.art, "blend", **pictures(4))
        message = await klein.done(await use.message())
        recipe = (await bot.studio.job(number(message))).recipe
        assert len(recipe.references) == 4
        assert (recipe.width, recipe.height) == (64, 64)


async def test_the_button_edits_its_picture_and_more_and_the_result_can_be_edited_again(
    klein: App,
) -> None:
    async with klein.open():
        first = await klein.painted(klein.alice)
        modal = await (await klein.press(klein.bob, first, "Edit")).modal()
    async with klein.open() as bot:  # the modal outlives a restart
        other = upload(photo((64, 64)))
        sent = await klein.bob.submit(
            modal, {"What to change": "at night --ar 1:1", "More pictures (optional)": [other]}
        )
        second = await klein.done(await sent.message())
        job = await bot.studio.job(number(second))
        assert job.parent == Parent(number(first), 0)
        assert job.recipe.model == "klein"
        assert job.recipe.prompt == "at night"
        assert len(job.recipe.references) == 2
        modal = await (await klein.press(klein.alice, second, "Edit")).modal()
        third = await klein.done(
            await (await klein.alice.submit(modal, {"What to change": "in snow"})).message()
        )
        assert (await bot.studio.job(number(third))).parent == Parent(number(second), 0)


async def test_anybodys_picture_can_be_edited_from_the_menu_of_its_message(klein: App) -> None:
    async with klein.open() as bot:
        said = await klein.alice.say(klein.art, "look", files=[upload(photo((96, 64)))])
        shown = await (await klein.bob.use_on_message(said, "Edit this picture")).message()
        modal = await (await klein.bob.click(shown, label="Edit picture 1")).modal()
        sent = await klein.bob.submit(modal, {"What to change": "in snow"})
        job = await bot.studio.job(number(await klein.done(await sent.message())))
        assert len(job.recipe.references) == 1
        assert job.parent is None
        message = await klein.painted(klein.alice, count=2)
        chosen = await (await klein.bob.use_on_message(message, "Edit this picture")).message()
        modal = await (await klein.bob.click(chosen, label="Edit picture 2")).modal()
        sent = await klein.bob.submit(modal, {"What to change": "in snow"})
        job = await bot.studio.job(number(await klein.done(await sent.message())))
        assert job.parent == Parent(number(message), 1)


async def test_what_to_change_is_asked_without_a_look_at_the_disk(
    klein: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord waits three seconds for the modal, and a disk may be asleep."""

    def sleep(name: str) -> None:
        raise AssertionError("the disk was read")

    async with klein.open() as bot:
        message = await klein.painted(klein.alice)
        monkeypatch.setattr(bot.studio.model_manager, "disk_usage", sleep)
        for use in (
            await klein.press(klein.bob, message, "Edit"),
            await klein.bob.use_on_message(message, "Edit this picture"),
        ):
            assert (await use.modal()).title


async def test_without_a_model_that_can_it_says_what_the_owner_can_do(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "edit", prompt="at night", **pictures(1))
        assert "No model here can edit" in await told(use)
        painted = await app.painted(app.alice)
        assert "Edit" not in painted.labels
        named = await app.alice.slash(
            app.art, "edit", prompt="at night", model="tiny", **pictures(1)
        )
        assert "tiny can't edit pictures by words" in await told(named)


async def test_what_cannot_be_edited_is_refused_before_anything_is_queued(klein: App) -> None:
    async with klein.open() as bot:
        narrow = upload(Image.new("RGB", (1000, 40)))
        use = await klein.alice.slash(klein.art, "edit", prompt="at night", image=narrow)
        assert "more than 8 times" in await refused(use)
        unknown = await klein.alice.slash(
            klein.art, "edit", prompt="at night", model="unknown", **pictures(1)
        )
        assert "unknown" in await told(unknown)
        text = Upload("notes.txt", b"no picture")
        use = await klein.alice.slash(klein.art, "edit", prompt="x", image=text)
        assert "isn't a supported picture" in await told(use)
        assert not bot.studio.queue()


@pytest.mark.parametrize("private", [True, False])
async def test_the_result_is_as_private_as_asked(klein: App, private: bool) -> None:
    async with klein.open():
        use = await klein.alice.slash(
            klein.art, "edit", prompt="at night", private=private, **pictures(1)
        )
        message = await klein.done(await use.message())
        assert message.ephemeral == private
