"""From a result, go on: the buttons of each picture."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine import ModelSettings
from engine.jobs.job import Parent
from tests.cogs.app import App, image, number, recipe_in, settings_line, told, told_after
from tests.discord_server import Message

FIRST = ["Vary (subtle)", "Vary (strong)", "Upscale 2×", "Remix"]

MORE = [
    "Upscale 2× (fast)",
    "Upscale 4× (fast)",
    "Use as start image",
    "Inpaint",
    "Fix details",
    "Zoom out",
    "Pan",
    "Details",
    "Send to DM",
]


async def went_on(app: App, message: Message, label: str) -> Message:
    """Bob clicks, and the result is there."""
    use = await app.press(app.bob, message, label)
    return await app.done(await use.message())


async def test_one_picture_has_a_row_of_buttons_and_several_a_choice_for_each(app: App) -> None:
    async with app.open():
        one = await app.painted(app.alice)
        assert one.labels == [*FIRST, "Again", "", "Delete", "More…"]
        more = await (await app.bob.click(one, label="More…")).message()
        assert (more.ephemeral, more.labels) == (True, MORE)
        two = await app.painted(app.alice, count=2, seed=5)
        assert two.labels[:3] == ["Picture 1", "Picture 2", "Again"]
        panel = await (await app.bob.click(two, label="Picture 2")).message()
        assert (panel.ephemeral, panel.labels) == (True, [*FIRST, "More…"])
        with image(panel.attachments[0]) as shown, image(two.attachments[1]) as second:
            assert shown.tobytes() == second.tobytes()
        details = await (await app.press(app.bob, panel, "Details")).message()
        assert "Seed: 6" in details.text()


@pytest.mark.parametrize(("label", "strength"), [("Vary (subtle)", 0.35), ("Vary (strong)", 0.65)])
async def test_a_variation_starts_from_the_picture_and_links_to_it(
    app: App, label: str, strength: float
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5, steps=3)
        varied = await went_on(app, message, label)
        job = await bot.studio.job(number(varied))
        assert job.parent == Parent(1, 0)
        assert job.owner == str(app.bob.user.id)
        assert job.recipe.seed != 5
        assert job.recipe.strength == strength
        kept = app.folder / "uploads" / str(job.recipe.image)
        with image(message.attachments[0]) as before, image_in(kept) as start:
            assert start.tobytes() == before.tobytes()
        link = f"https://discord.com/channels/{app.guild.id}/{app.art.id}/{message.id}"
        assert f"[from picture 1 of job 1]({link})" in varied.text()


def image_in(file: Path) -> Any:
    """The picture in the file."""
    from PIL import Image

    return Image.open(file)


async def test_a_variation_of_a_deleted_parent_says_where_it_came_from(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        running = await app.occupy()
        use = await app.bob.click(message, label="Vary (subtle)")
        queued = await use.message()
        await bot.studio.delete(1)
        await app.free(running)
        await app.done(queued)
        assert "from picture 1 of job 1" in queued.text()
        assert "](" not in queued.text()


async def test_a_family_that_starts_from_no_picture_varies_by_its_seed(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("actions.picture_actions", "policy.model_capabilities"):
        monkeypatch.setattr(f"cogs.{module}.can_start_from_images", lambda model: False)
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5)
        varied = await went_on(app, message, "Vary (strong)")
        job = await bot.studio.job(number(varied))
        assert (job.recipe.image, job.parent) == (None, Parent(1, 0))
        assert job.recipe.seed != 5
        for label in ("Upscale 2×", "Use as start image"):
            sentence = await told(await app.press(app.bob, message, label))
            assert sentence.startswith("tiny can't start from a picture")


async def test_an_upscale_paints_at_twice_the_size_beyond_what_the_model_composes(
    app: App,
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, size="128x96", seed=5)
        larger = await went_on(app, message, "Upscale 2×")
        job = await bot.studio.job(number(larger))
        assert (job.recipe.seed, job.recipe.strength) == (5, 0.35)
        with image(larger.attachments[0]) as shown:
            assert shown.size == (256, 192)
        sentence = await told(await app.bob.click(larger, label="Upscale 2×"))
        assert sentence == (
            "That would be 512×384, but tiny paints at most 256 pixels per side. “Upscale 2× "
            "(fast)” works with any model."
        )


async def test_an_upscale_of_an_enlarged_picture_is_larger_than_it(app: App) -> None:
    async with app.open():
        small = await app.painted(app.alice, size="64x64", seed=5)
        double = await went_on(app, small, "Upscale 2× (fast)")
        larger = await went_on(app, double, "Upscale 2×")
        with image(larger.attachments[0]) as shown:
            assert shown.size == (256, 256)
        quadruple = await went_on(app, small, "Upscale 4× (fast)")
        sentence = await told(await app.bob.click(quadruple, label="Upscale 2×"))
        assert sentence == "This picture is already enlarged. Enlarge the original instead."


@pytest.mark.parametrize("factor", [2, 4])
async def test_a_fast_upscale_is_a_kept_picture_of_its_own_without_the_painter(
    app: App, factor: int, tmp_path: Path
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5, count=2)
        running = await app.occupy()
        panel = await (await app.bob.click(message, label="Picture 2")).message()
        larger = await went_on(app, panel, f"Upscale {factor}× (fast)")
        job = await bot.studio.job(number(larger))
        assert (job.owner, job.parent) == (str(app.bob.user.id), Parent(1, 1))
        with image(larger.attachments[0]) as shown, image(message.attachments[1]) as before:
            assert shown.size == (64 * factor, 64 * factor)
            small = before.resize(shown.size, 1)  # Lanczos
            assert shown.tobytes() == small.tobytes()
        assert recipe_in(larger.attachments[0], tmp_path).seed == 6
        assert f"upscaled {factor}×" in settings_line(larger)
        assert "Upscale 2× (fast)" not in larger.labels
        assert "from picture 2 of job 1" in larger.text()
        await app.free(running)
        again = await went_on(app, larger, "Again")
        with image(again.attachments[0]) as shown:
            assert shown.size == (64 * factor, 64 * factor)


async def test_fast_upscales_count_towards_the_limits_of_whoever_clicks(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 1}) as bot:
        message = await app.painted(app.alice)
        await went_on(app, message, "Upscale 2× (fast)")
        use = await app.press(app.bob, message, "Upscale 2× (fast)")
        assert "an hour" in (await use.followup()).text()
        use = await app.bob.click(message, label="Vary (subtle)")
        assert "an hour" in await told(use)
        assert (await bot.studio.job(2)).state == "posted"


async def test_remix_shows_the_settings_and_paints_what_was_changed(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, seed=5, steps=3, negative_prompt="rain")
        modal = await (await app.bob.click(message, label="Remix")).modal()
        assert modal.prefilled() == {
            "Prompt": "a red house",
            "Negative prompt": "rain",
            "Steps": "3",
            "Guidance": "7",
            "Seed (empty for a random one)": "5",
        }
        use = await app.bob.submit(modal, {"Prompt": "a blue house", "Steps": "2"})
        remixed = await app.done(await use.message())
        job = await bot.studio.job(number(remixed))
        assert (job.recipe.prompt, job.recipe.seed) == ("a blue house", 5)
        assert (job.recipe.num_inference_steps, job.recipe.negative_prompt) == (2, "rain")
        assert job.parent == Parent(1, 0)


async def test_a_remix_of_what_started_from_a_picture_has_its_strength_too(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, steps=3)
        varied = await went_on(app, message, "Vary (subtle)")
        modal = await (await app.bob.click(varied, label="Remix")).modal()
        shown = modal.prefilled()
        assert shown["Steps / guidance"] == "3 / 7"
        assert shown["Strength (0.3 keeps most of it, 0.8 little)"] == "0.35"
        changed = {
            "Steps / guidance": "4 / 5,5",
            "Strength (0.3 keeps most of it, 0.8 little)": "1",
        }
        remixed = await app.done(await (await app.bob.submit(modal, changed)).message())
        recipe = (await bot.studio.job(number(remixed))).recipe
        assert (recipe.num_inference_steps, recipe.guidance_scale) == (4, 5.5)
        assert recipe.strength == 1
        assert recipe.image == (await bot.studio.job(number(varied))).recipe.image


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("Steps", "many", "“many” isn't a valid value for steps. Enter a whole number, like 20."),
        ("Guidance", "1e9", "“1e9” isn't a valid value for guidance. Enter a number, like 0.6."),
        ("Steps", "0", "The number of steps must be between 1 and 150, not 0."),
        (
            "Seed (empty for a random one)",
            "9999999999",
            "The seed must be between",
        ),
        ("Prompt", "   ", "The prompt is empty. Say what the picture should show."),
    ],
)
async def test_what_makes_no_sense_in_a_form_gets_a_sentence(
    app: App, field: str, value: str, sentence: str
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        modal = await (await app.bob.click(message, label="Remix")).modal()
        assert (await told(await app.bob.submit(modal, {field: value}))).startswith(sentence)
        assert await bot.studio.undelivered() == []


async def test_a_form_sent_after_a_restart_is_taken(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, seed=5)
        remix = await (await app.bob.click(message, label="Remix")).modal()
        start = await (await app.press(app.bob, message, "Use as start image")).modal()
    async with app.open() as bot:
        remixed = await app.done(
            await (await app.bob.submit(remix, {"Prompt": "a blue house"})).message()
        )
        assert (await bot.studio.job(number(remixed))).recipe.prompt == "a blue house"
        started = await app.done(
            await (await app.bob.submit(start, {"Prompt": "a boat"})).message()
        )
        recipe = (await bot.studio.job(number(started))).recipe
        assert (recipe.prompt, recipe.strength) == ("a boat", 0.6)
        assert recipe.image is not None


async def test_every_button_works_after_a_restart_once_the_token_has_expired(
    app: App,
) -> None:
    async with app.open():
        message = await app.painted(app.alice, seed=5)
    app.discord.expire_tokens()
    async with app.open():
        for label in ("Vary (subtle)", "Upscale 2×", "Upscale 2× (fast)"):
            result = await went_on(app, message, label)
            assert "from picture 1 of job 1" in result.text()


async def test_details_are_those_in_the_file_and_for_whoever_asks_alone(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, "a ```red``` house", seed=5, count=1)
        told_alone = await told(await app.press(app.bob, message, "Details"))
        written = image(message.attachments[0]).info["parameters"]
        assert told_alone == f"```\n{written.replace('```', chr(39) * 3)}\n```"


async def test_a_picture_is_sent_to_whoever_wants_it(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        use = await app.press(app.bob, message, "Send to DM")
        assert await told(use) == "Sent to your DMs."
        [sent] = app.bob.dm.messages
        assert sent.attachments[0].read() == message.attachments[0].read()


async def test_somebody_who_takes_no_direct_messages_is_told(app: App) -> None:
    app.bob.user.refuses_dms = True
    async with app.open():
        message = await app.painted(app.alice)
        with app.discord.expecting(50007):
            use = await app.press(app.bob, message, "Send to DM")
            assert (await use.followup()).text().startswith("I can't DM you")


@pytest.mark.parametrize("label", [each for each in [*FIRST, *MORE, "More…"] if each != "Details"])
async def test_a_picture_whose_job_is_gone_gets_a_sentence(app: App, label: str) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        if label in MORE:
            message = await (await app.bob.click(message, label="More…")).message()
        await bot.studio.delete(1)
        use = await app.bob.click(message, label=label)
        assert (await gone(use)).startswith("Job 1 doesn't exist")


async def test_a_picture_whose_file_is_gone_gets_a_sentence(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        shutil.rmtree(app.folder / "pictures")
        for label in ("Vary (subtle)", "Upscale 2×", "Upscale 2× (fast)", "Send to DM"):
            use = await app.press(app.bob, message, label)
            assert (await use.followup()).text().startswith("This picture's file is gone")


async def gone(use: Any) -> str:
    """What was said to that person alone, by whichever way."""
    if use.interaction.followups or use.response == 5:
        return str((await use.followup()).text())
    return await told_after(use)


async def test_a_model_that_is_gone_gets_a_sentence(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open():
        message = await app.painted(app.alice, model="other")
        more = await (await app.bob.click(message, label="More…")).message()
    models: dict[str, ModelSettings] = app.models()
    del models["other"]
    monkeypatch.setattr(app, "models", lambda: models)
    async with app.open():
        for where, label in (
            (message, "Vary (strong)"),
            (message, "Upscale 2×"),
            (more, "Use as start image"),
            (more, "Inpaint"),
            (more, "Zoom out"),
            (more, "Pan"),
        ):
            sentence = await told(await app.bob.click(where, label=label))
            assert sentence.startswith("There's no model “other”.")
        panel = await (await app.bob.click(message, label="More…")).message()
        assert not {"Inpaint", "Zoom out", "Pan"} & {*panel.labels}
