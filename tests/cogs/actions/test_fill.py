"""Fill: parts of a picture, or what a mask marks, are painted anew as a job of whoever clicks."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops

from engine.jobs.job import Parent
from tests.cogs.app import App, image, number, refused, told
from tests.discord_server import ClientRefuses, Message, Upload
from tests.discord_server.messages import walk
from tests.discord_server.modals import Modal

STRENGTH = "Strength (1 repaints all, 0.5 keeps shapes)"
PROMPT = "Prompt (what to paint there)"


def mask(size: tuple[int, int] = (64, 64), name: str = "mask.png", **more: Any) -> Upload:
    """A mask whose left half is white."""
    drawn = Image.new("L", size)
    drawn.paste(255, (0, 0, size[0] // 2, size[1]))
    buffer = BytesIO()
    drawn.save(buffer, "PNG", **more)
    return Upload(name, buffer.getvalue())


async def panel(app: App, message: Message) -> Message:
    """The picture in nine parts, in front of Bob."""
    shown = await (await app.press(app.bob, message, "Inpaint")).message()
    assert shown.ephemeral
    return shown


async def picked(app: App, shown: Message, *parts: str) -> Message:
    """Bob picks parts; the panel shows them."""
    await app.bob.select(shown, *parts, placeholder="Parts to repaint…")
    wanted = sorted(parts)
    await app.discord.until(lambda: sorted(chosen(shown)) == wanted, 10)
    return shown


def chosen(shown: Message) -> list[str]:
    """The parts that are marked in the panel's menu."""
    [menu] = shown.selects
    return [option["label"] for option in menu["options"] if option.get("default")]


async def form(app: App, shown: Message, label: str = "Repaint these parts") -> Modal:
    """What opens when Bob goes on."""
    return await (await app.press(app.bob, shown, label)).modal()


async def test_parts_are_picked_from_a_grid_and_painted_anew(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, "a red house", negative_prompt="rain", seed=5)
        shown = await panel(app, message)
        with image(shown.attachments[0]) as chart:
            assert chart.size == (640, 640)
        before = shown.attachments[0].read()
        with pytest.raises(ClientRefuses, match="disabled"):
            await form(app, shown)
        await picked(app, shown, "Bottom right", "Right")
        assert shown.attachments[0].read() != before
        modal = await form(app, shown)
        assert modal.prefilled() == {
            PROMPT: "a red house",
            "Negative prompt": "rain",
            STRENGTH: "1",
        }
        use = await app.bob.submit(modal, {PROMPT: "a yellow fish"})
        result = await app.done(await use.message())
        job = await bot.studio.job(number(result))
        assert (job.owner, job.parent) == (str(app.bob.user.id), Parent(1, 0))
        assert (job.recipe.prompt, job.recipe.strength) == ("a yellow fish", 1)
        assert job.recipe.seed != 5
        assert "from picture 1 of job 1" in result.text()
        with image(message.attachments[0]) as old, image(result.attachments[0]) as new:
            changed = ImageChops.difference(old.convert("RGB"), new.convert("RGB")).getbbox()
        assert changed is not None
        assert changed >= (42, 21, 0, 0)


async def test_a_picture_of_several_is_filled_and_parts_can_be_put_back(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, count=2, seed=5)
        second = await (await app.bob.click(message, label="Picture 2")).message()
        shown = await panel(app, second)
        await picked(app, shown, "Middle")
        await picked(app, shown)
        with pytest.raises(ClientRefuses, match="disabled"):
            await form(app, shown)
        await picked(app, shown, "Top")
        use = await app.bob.submit(await form(app, shown), {})
        result = await app.done(await use.message())
        assert (await bot.studio.job(number(result))).parent == Parent(1, 1)


async def test_panel_and_form_work_after_a_restart(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        shown = await picked(app, await panel(app, message), "Left")
        modal = await form(app, shown)
        late = await form(app, shown, "Use my own mask")
    app.discord.expire_tokens()
    async with app.open() as bot:
        result = await app.done(await (await app.bob.submit(modal, {})).message())
        assert (await bot.studio.job(number(result))).recipe.mask is not None
        use = await app.bob.submit(late, {"Mask": mask()})
        masked = await app.done(await use.message())
        assert "from picture 1 of job 1" in masked.text()
        await picked(app, shown, "Top", "Bottom")
        again = await app.bob.submit(await form(app, shown), {})
        await app.done(await again.message())


async def test_a_mask_of_ones_own_marks_what_is_painted_anew(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5)
        modal = await form(app, await panel(app, message), "Use my own mask")
        sent = {"Mask": mask((128, 128)), PROMPT: "a boat", STRENGTH: "0.9"}
        result = await app.done(await (await app.bob.submit(modal, sent)).message())
        assert (await bot.studio.job(number(result))).recipe.strength == 0.9
        with image(message.attachments[0]) as old, image(result.attachments[0]) as new:
            changed = ImageChops.difference(old.convert("RGB"), new.convert("RGB")).getbbox()
        assert changed is not None
        assert changed[2] <= 33


NO_MASKS = {
    "“notes.txt” isn't a supported picture": Upload("notes.txt", b"hello"),
    "This file can't be read as a picture": Upload("mask.png", b"not a picture"),
    "This file can't be read as a picture: its end is missing. Send": Upload(
        "mask.png", mask().data[:70]
    ),
    "The mask is 64×32 pixels, but the picture is 64×64. Draw the mask over": mask((64, 32)),
    "The mask is 1×1 pixels, but the picture is 64×64": mask((1, 1)),
    "The picture has 20000×2600 pixels; the limit is 50 million": mask((20_000, 2_600)),
}


async def test_what_is_no_mask_gets_a_sentence_and_what_was_written_is_given_back(
    app: App,
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        shown = await panel(app, message)
        for sentence, file in NO_MASKS.items():
            modal = await form(app, shown, "Use my own mask")
            use = await app.bob.submit(modal, {"Mask": file, PROMPT: "a boat"})
            said = await (refused(use) if use.response == 5 else told(use))
            assert said.startswith(sentence)
            assert said.endswith("-# Your prompt: a boat")
        assert bot.studio.queue() == []


async def test_what_makes_no_sense_in_the_form_gets_a_sentence(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        shown = await picked(app, await panel(app, message), "Top")
        for fields, sentence in (
            (
                {STRENGTH: "much"},
                ("“much” isn't a valid value for strength. Enter a number, like 0.6."),
            ),
            ({STRENGTH: "7"}, "The strength must be between 0.05 and 1, not 7."),
            ({PROMPT: "   "}, "The prompt is empty"),
        ):
            use = await app.bob.submit(await form(app, shown), fields)
            said = await (refused(use) if use.response == 5 else told(use))
            assert said.startswith(sentence)


async def test_flags_in_the_prompt_are_understood_but_for_the_shape(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5)
        shown = await picked(app, await panel(app, message), "Top")
        modal = await form(app, shown)
        use = await app.bob.submit(modal, {PROMPT: "a boat --seed 9 --repeat 2 --model other"})
        result = await app.done(await use.message())
        recipe = (await bot.studio.job(number(result))).recipe
        assert (recipe.seed, recipe.count, recipe.model) == (9, 2, "other")
        assert (recipe.prompt, recipe.width, recipe.height) == ("a boat", 64, 64)
        modal = await form(app, shown)
        said = await told(await app.bob.submit(modal, {PROMPT: "a boat --ar 3:2"}))
        assert said.startswith("Inpainting keeps the picture's shape")


async def test_a_family_that_cannot_fill_has_no_such_buttons_and_old_ones_get_a_sentence(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        shown = await picked(app, await panel(app, message), "Top")
        modal = await form(app, shown)
        more = await (await app.bob.click(message, label="More…")).message()
        monkeypatch.setattr("cogs.policy.model_capabilities.can_inpaint", lambda model: False)
        other = await (await app.bob.click(message, label="More…")).message()
        assert not {"Inpaint", "Zoom out", "Pan"} & {*other.labels}
        for where, label in (
            (more, "Inpaint"),
            (more, "Zoom out"),
            (more, "Pan"),
            (shown, "Repaint these parts"),
        ):
            sentence = await told(await app.press(app.bob, where, label))
            assert sentence.startswith("tiny can't repaint just part of a picture")
        sentence = await told(await app.bob.submit(modal, {}))
        assert sentence.startswith("tiny can't repaint just part of a picture")


async def test_fills_count_towards_the_limits_of_whoever_clicks(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 1}):
        message = await app.painted(app.alice)
        shown = await picked(app, await panel(app, message), "Top")
        first = await form(app, shown)
        second = await form(app, shown)
        await app.done(await (await app.bob.submit(first, {})).message())
        assert "an hour" in await told(await app.bob.submit(second, {}))


async def test_a_result_keeps_to_what_discord_allows(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        parts = [*walk(message.components)]
        assert len(parts) <= 40
        rows = [part["components"] for part in parts if part["type"] == 1]
        assert len(rows) <= 5
        assert all(len(row) <= 5 for row in rows)
