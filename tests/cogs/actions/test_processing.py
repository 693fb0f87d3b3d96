"""Work on finished pictures: enlarged by a network, cut out, details painted again."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cogs.messages.encodings import encodings
from engine import BackgroundSettings, SafetySettings, UpscalerSettings
from engine.images.metadata import read_settings
from engine.jobs.job import Parent
from engine.jobs.recipe import AdapterUse, Recipe
from tests.cogs.actions.test_fill import picked
from tests.cogs.app import App, image, number, refused, settings_line, told, told_after
from tests.discord_server.messages import Attachment
from tests.tiny.classifier import classifier
from tests.tiny.segmenter import segmenter
from tests.tiny.upscaler import needs_spandrel, upscaler

DOUBLE = "Upscale 2× (fast)"


def levels(picture: Attachment) -> np.ndarray:
    with image(picture) as opened:
        return np.asarray(opened.convert("RGB"), np.int16)


@needs_spandrel
async def test_an_upscaler_enlarges_as_a_job_that_survives_a_restart(
    app: App, tmp_path: Path
) -> None:
    file = upscaler(tmp_path / "net.safetensors")
    app.upscalers = {"tiny-net": UpscalerSettings(source=str(file))}
    async with app.open():
        message = await app.painted(app.alice, seed=5, count=2)
        running = await app.occupy()
        panel = await (await app.bob.click(message, label="Picture 2")).message()
        use = await app.press(app.bob, panel, DOUBLE)
        queued = await use.message()
        assert "1st in line" in queued.text()
    async with app.open() as bot:
        await app.release(running)
        larger = await app.done(queued)
        job = await bot.studio.job(number(larger))
        assert (job.owner, job.parent) == (str(app.bob.user.id), Parent(1, 1))
        assert "tiny-net" in settings_line(larger)
        assert "upscaled 2×" in settings_line(larger)
        before, after = levels(message.attachments[1]), levels(larger.attachments[0])
        assert after.shape == (128, 128, 3)
        resized = np.asarray(Image.fromarray(before.astype(np.uint8)).resize((128, 128), 1))
        assert 0 < np.abs(after - resized).mean() < 60  # the same picture, but not by Lanczos
        with image(larger.attachments[0]) as opened:
            assert "Hires upscaler: tiny-net" in opened.info["parameters"]
        assert DOUBLE not in (await (await app.bob.click(larger, label="More…")).message()).labels


@needs_spandrel
async def test_what_an_upscaler_does_counts_and_obeys_as_painting_does(
    app: App, tmp_path: Path
) -> None:
    app.upscalers = {"gone": UpscalerSettings(source=str(tmp_path / "gone.safetensors"))}
    async with app.open(limits={"pictures_per_hour": 1}):
        message = await app.painted(app.alice)
        sentence = await refused(await app.press(app.bob, message, DOUBLE))
        assert "neither a file nor a Hub ID" in sentence
        assert "an hour" in await refused(await app.press(app.alice, message, DOUBLE))


async def test_details_of_chosen_parts_are_painted_again_and_the_rest_stays(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, "a red house", seed=5, size="128x96")
        shown = await (await app.press(app.bob, message, "Fix details")).message()
        assert shown.labels == ["Use my own mask"]  # the others need parts
        await picked(app, shown, "Right")
        use = await app.bob.click(shown, label="Fix details")
        result = await app.done(await use.message())
        job = await bot.studio.job(number(result))
        assert (job.recipe.prompt, job.recipe.seed, job.recipe.width) == ("a red house", 5, 128)
        assert job.parent == Parent(1, 0)
        assert "details fixed in parts 6" in settings_line(result)
        old, new = (levels(each.attachments[0]) for each in (message, result))
        assert old.shape == new.shape
        changed = np.abs(old - new).max(axis=2) > 0
        assert changed[32:64, 86:].mean() > 0.5  # the middle row, on the right
        assert not changed[:32].any()
        assert not changed[64:].any()
        assert not changed[:, :85].any()
        varied = await app.done(await (await app.press(app.bob, result, "Vary (subtle)")).message())
        recipe = (await bot.studio.job(number(varied))).recipe
        assert (recipe.width, recipe.height, recipe.process) == (128, 96, None)


async def test_with_a_lora_of_somebody_else_nothing_is_painted_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, "a red house", size="128x96")
        get = bot.studio.processes._recipe

        async def with_hers(picture: Parent) -> Recipe:
            return replace(await get(picture), adapters=(AdapterUse("hers", 1.0),))

        monkeypatch.setattr(bot.studio.processes, "_recipe", with_hers)
        shown = await (await app.press(app.bob, message, "Fix details")).message()
        await picked(app, shown, "Right")
        refusal = await told_after(await app.bob.click(shown, label="Fix details"))
        assert "no LoRA" in refusal


async def test_without_parts_nothing_is_fixed(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
        shown = await (await app.press(app.bob, message, "Fix details")).message()
        button = next(each for each in shown.buttons if each["label"] == "Fix details")
        button["disabled"] = False
        assert "at least one part" in await told(await app.bob.click(shown, label="Fix details"))


async def test_a_background_becomes_transparent_in_png_and_webp(app: App, tmp_path: Path) -> None:
    async with app.open():
        message = await app.painted(app.alice, seed=5)
        more = await (await app.bob.click(message, label="More…")).message()
        assert "Remove background" not in more.labels
    picture = message.attachments[0]
    with image(picture) as opened:
        folder = segmenter(tmp_path / "model", opened)
    app.background = BackgroundSettings(model=str(folder))
    app.safety = SafetySettings(classifier=str(classifier(tmp_path / "all", "all")))
    async with app.open() as bot:
        use = await app.press(app.bob, message, "Remove background")
        cut = await app.done(await use.message())
        job = await bot.studio.job(number(cut))
        assert "background removed" in settings_line(cut)
        [verdict] = await bot.studio.safety.verdicts(job.id)
        assert verdict.flagged
        with image(cut.attachments[0]) as made:
            assert made.mode == "RGBA"
            alpha = np.asarray(made.getchannel("A"))
            assert (alpha == 0).any()
            assert (alpha == 255).any()
            assert made.convert("RGB").tobytes() == levels(picture).astype(np.uint8).tobytes()
        [*_, (webp,)] = encodings(job.pictures, 10**6)
        with Image.open(BytesIO(webp.data)) as small:
            assert (small.format, small.mode) == ("WEBP", "RGBA")
            assert np.abs(np.asarray(small.getchannel("A"), np.int16) - alpha).max() <= 1
        for data in (webp.data, job.pictures[0].read_bytes()):
            settings = read_settings(data)
            assert settings is not None
            assert "Seed: 5" in settings.text
            assert "Background removed" in settings.text
        larger = await app.done(await (await app.press(app.bob, cut, DOUBLE)).message())
        with image(larger.attachments[0]) as made:
            assert (made.mode, made.size) == ("RGBA", (128, 128))


async def test_a_draft_is_painted_properly_from_the_same_seed_after_a_restart(app: App) -> None:
    quick = {"draft_model": "other"}
    async with app.open(engine=quick) as bot:
        asked = "a red house --draft --steps 3 --seed 9"
        draft = await app.done(await app.ask(app.alice, asked, count=2, private=True))
        recipe = (await bot.studio.job(1)).recipe
        assert (recipe.model, recipe.num_inference_steps) == ("other", 2)
        assert (recipe.width, recipe.height) == (88, 88)  # the shape of the other model
        assert "draft for tiny" in settings_line(draft)
        assert "Paint it properly" in draft.labels
    async with app.open(engine=quick) as bot:
        use = await app.alice.click(draft, label="Paint it properly")
        proper = await app.done(await use.message())
        assert proper.ephemeral  # as private as the draft
        recipe = (await bot.studio.job(2)).recipe
        assert (recipe.model, recipe.prompt, recipe.seed) == ("tiny", "a red house", 9)
        assert (recipe.width, recipe.height, recipe.count) == (64, 64, 2)
        assert (recipe.num_inference_steps, recipe.draft_of) == (3, None)
        assert "Paint it properly" not in proper.labels
        again = await app.done(await (await app.alice.click(draft, label="Again")).message())
        assert "Paint it properly" in again.labels
        shown = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert "Paint it properly" in shown.labels


async def test_without_a_quick_model_the_flag_is_refused(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "imagine", prompt="a red house --draft")
        assert "no quick model for drafts" in await told(use)


@needs_spandrel
async def test_several_upscalers_are_a_choice(app: App, tmp_path: Path) -> None:
    app.upscalers = {
        name: UpscalerSettings(source=str(upscaler(tmp_path / f"{name}.safetensors", scale=scale)))
        for name, scale in (("soft", 2), ("sharp", 4))
    }
    async with app.open() as bot:
        message = await app.painted(app.alice, size="64x32")
        asked = await (await app.press(app.bob, message, "Upscale 4× (fast)")).message()
        assert (asked.ephemeral, asked.labels) == (True, ["soft", "sharp"])
        larger = await app.done(await (await app.bob.click(asked, label="sharp")).message())
        process = (await bot.studio.job(number(larger))).recipe.process
        assert process is not None
        assert process.network == "sharp"
        assert levels(larger.attachments[0]).shape == (128, 256, 3)
