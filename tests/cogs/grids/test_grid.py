"""/grid: asked about first, painted cell by cell, shown as one sheet."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine import SafetySettings
from tests.cogs.app import (
    PATIENCE,
    App,
    alt_texts,
    image,
    recipe_in,
    refused,
    told,
    told_after,
    until,
)
from tests.cogs.generate.test_options import picture
from tests.cogs.grids.sheets import SEEDS, asked, confirmed, grid, options_of
from tests.discord_server import ClientRefuses, Permissions, Upload
from tests.tiny.classifier import classifier

pytestmark = pytest.mark.slow


async def test_a_sheet_is_asked_about_painted_and_shown_with_each_of_its_pictures(
    app: App, tmp_path: Path
) -> None:
    async with app.open() as bot:
        both = {"x": "guidance", "x_values": "1, 7.5", "y": "seed", "y_values": "1-3"}
        question = await asked(app, "a *red* fish --steps 1", **both)
        assert question.text().splitlines() == [
            "**A grid of 6 pictures.** Paint it?",
            "- a \\*red\\* fish",
            "- guidance: 1 · 7.5",
            "- seed: 1 · 2 · 3",
            "-# There's no time estimate until something similar has been painted.",
        ]
        assert question.labels == ["Paint 6 pictures", "Cancel"]
        assert bot.studio.queue() == []
        message = await confirmed(app, question)
        assert "Cancel" in message.labels
        await app.done(message)
        assert question.text() == "Queued: a grid of 6 pictures."
        assert message.text().splitlines() == [
            "**a \\*red\\* fish**",
            f"-# {app.alice.mention} · grid 1 · 6 pictures · guidance × seed",
            "-# tiny · 64×64 · 1 step · ddim",
        ]
        [upload] = message.attachments
        assert upload.filename == "grid-1.png"
        assert min(image(upload).size) > 300
        assert recipe_in(upload, tmp_path).prompt == "a *red* fish"
        assert alt_texts(message) == [
            (
                "Comparison grid for “a *red* fish”: guidance 1, 7.5 from left to right, seed 1, "
                "2, 3 from top to bottom"
            )
        ]
        assert options_of(message)[:3] == [
            "guidance 1 · seed 1",
            "guidance 7.5 · seed 1",
            "guidance 1 · seed 2",
        ]
        one = await (await app.bob.select(message, "guidance 7.5 · seed 3")).message()
        assert one.ephemeral
        assert "guidance 7.5" in one.text()
        assert "seed 3" in one.text()
        assert image(one.attachments[0]).size == (64, 64)
        varied = await (await app.bob.click(one, label="Vary (subtle)")).message()
        await app.done(varied)
        assert message.id in map(int, varied.text().split("/")[-1].split(")")[:1])
        again = await asked(app, "a fish", x="seed", x_values="1, 2", steps=1)
        assert ", ready in about " in again.text()


async def test_what_is_left_to_chance_is_the_same_in_all_cells(app: App) -> None:
    async with app.open() as bot:
        await grid(
            app, "a {red|red} fish", x="words", x_values="red, blue", y="steps", y_values="1, 2"
        )
        jobs = [await bot.studio.job(number) for number in range(1, 5)]
        assert len({job.recipe.seed for job in jobs}) == 1
        found = [(job.recipe.prompt, job.recipe.num_inference_steps) for job in jobs]
        assert found == [
            ("a red fish", 1),
            ("a blue fish", 1),
            ("a red fish", 2),
            ("a blue fish", 2),
        ]


async def test_models_and_sizes_may_differ_and_a_cell_that_fails_is_told(app: App) -> None:
    async with app.open() as bot:
        message = await grid(
            app, "a fish", x="model", x_values="other, broken, tiny", y="seed", y_values="1, 2"
        )
        text = message.text()
        assert text.count("⚠️ model broken · seed ") == 2
        assert str(app.folder) not in text
        assert options_of(message) == [
            f"model {name} · seed {seed}" for seed in (1, 2) for name in ("other", "tiny")
        ]
        models = [(await bot.studio.job(number)).recipe.model for number in range(1, 7)]
        assert models == ["other", "other", "broken", "broken", "tiny", "tiny"]
        width, height = image(message.attachments[0]).size
        assert width > 1.5 * height


async def test_when_all_cells_fail_there_is_no_sheet_but_the_reasons(app: App) -> None:
    async with app.open():
        message = await grid(app, "a fish", x="seed", x_values="1-7", model="broken")
        assert message.attachments == []
        assert message.text().count("⚠️ seed ") == 5
        assert "⚠️ 2 more failed." in message.text()
        assert message.labels == ["Delete"]


async def test_it_starts_from_a_picture(app: App) -> None:
    async with app.open():
        options = {"x": "strength", "x_values": "0.3, 0.9", "steps": 2}
        no = await asked(app, "a fish", **options)
        assert no.text() == "Strength needs a start image to change. Send one as `image`."
        use = await app.alice.slash(
            app.art, "grid", prompt="a fish", image=Upload("x.png", picture()), **options
        )
        message = await app.done(await confirmed(app, await use.followup()))
        assert options_of(message) == ["strength 0.3", "strength 0.9"]


async def test_two_clicks_paint_one_sheet_and_cancel_none(app: App) -> None:
    async with app.open() as bot:
        question = await asked(app)
        with pytest.raises(ClientRefuses):
            await app.bob.click(question, label="Cancel")
        uses = await asyncio.gather(
            *(app.alice.click(question, label="Paint 3 pictures") for _ in range(2))
        )
        late = uses[0] if uses[0].response == 4 else uses[1]
        assert (await told_after(late)).startswith(
            "This question was already answered or has expired"
        )
        await app.discord.until(lambda: app.art.messages)
        await app.done(app.art.messages[0])
        assert len(app.art.messages) == 1
        question = await asked(app)
        await app.alice.click(question, label="Cancel")
        assert question.text() == "Cancelled. Nothing will be painted."
        await until(bot.studio.grids.undelivered, lambda grids: not grids)


async def test_the_question_and_half_a_sheet_outlive_a_restart(app: App) -> None:
    async with app.open():
        question = await asked(app, "a fish", x="model", x_values="tiny, slow", seed=1)
    async with app.open() as bot:
        message = await confirmed(app, question)
        await app.discord.until(lambda: "1 of 2" in message.text(), PATIENCE)
        first = await app.in_the_folder(bot, 1)
        written = first.pictures[0].stat().st_mtime_ns
    async with app.open():
        await app.discord.until(lambda: "🎨" in message.text(), PATIENCE)
        mallory = app.guild.add_member("mallory")
        use = await mallory.click(message, label="Cancel")
        assert await told_after(use) == "Only the person who requested grid 1 can do that."
        await app.alice.click(message, label="Cancel")
        await app.done(message)
        assert "✖️ 1 picture was cancelled." in message.text()
        assert options_of(message) == ["model tiny"]
        assert message.attachments
        assert first.pictures[0].stat().st_mtime_ns == written
        assert app.art.messages == [message]


async def test_a_sheet_whose_outcome_was_not_shown_is_shown_after_a_restart(app: App) -> None:
    async with app.open() as bot:
        failing = app.discord.fail_next(
            method="PATCH", path=r"/webhooks/.*/messages/\d+", status=500, times=99
        )
        message = await confirmed(app, await asked(app))
        for number in (1, 2, 3):
            await app.in_the_folder(bot, number)
        await app.discord.until(lambda: failing.hits > 0, PATIENCE)
    app.discord.call_off_faults()
    async with app.open():
        await app.done(message)
        assert len(options_of(message)) == 3
        assert app.art.messages == [message]


async def test_it_is_called_off_as_one_and_stands_in_the_queue_as_one(app: App) -> None:
    mo = app.guild.add_member("mo", permissions=Permissions(manage_messages=True))
    async with app.open(limits={"waiting_jobs": 2}) as bot:
        busy = await app.occupy()
        first = await confirmed(app, await asked(app))
        second = await confirmed(app, await asked(app))
        lines = (await told(await app.alice.slash(app.art, "queue"))).splitlines()
        assert len(lines) == 4
        assert [line.partition("](")[0] for line in lines[1:3]] == ["**[grid 1", "**[grid 2"]
        said = await asked(app)
        assert said.text().startswith("You already have 2 jobs waiting")
        use = await app.alice.slash(app.art, "cancel")
        assert await told(use) == "Grid 2 was cancelled."
        await mo.click(first, label="Cancel")
        for message in (first, second):
            await app.done(message)
            assert "Cancelled." in message.text()
            assert message.attachments == []
        [entry] = await bot.studio.moderation.audit_entries(f"guild:{app.guild.id}", 9)
        assert "grid" in entry.what
        use = await app.alice.slash(app.art, "cancel", job=2)
        assert await told(use) == "Grid 1 is already done."
        await app.release(busy)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"x": "seed", "x_values": "5"}, "A grid has 2 to 36 pictures; this one would have 1."),
        (
            {"x": "seed", "x_values": "1-7", "y": "steps", "y_values": "1-6"},
            "A grid has 2 to 36 pictures; this one would have 42.",
        ),
        ({"x": "seed", "x_values": "1-2", "y": "seed", "y_values": "1-2"}, "Both axes are “seed”"),
        ({"x": "seed", "x_values": "1-2", "y": "steps"}, "needs both `y` and `y_values`"),
        ({"x": "seed", "x_values": "1-2", "y_values": "1-2"}, "needs both `y` and `y_values`"),
        ({"x": "seed", "x_values": "1-2", "seed": 5}, "“seed” is already on an axis"),
        ({"x": "model", "x_values": "tiny, othr"}, "Did you mean “other”?"),
        ({"x": "scheduler", "x_values": "ddim, eulr"}, "There's no scheduler “eulr”"),
        (
            {"x": "steps", "x_values": "10, 500"},
            "The number of steps must be between 1 and 150, not 500",
        ),
        ({"x": "size", "x_values": "1:1, 64x65"}, "The height is 65 pixels"),
        ({"x": "size", "x_values": "1:1, huge"}, "“huge” isn't a valid size"),
        ({"x": "lora", "x_values": "fox, owl"}, "There's no LoRA “fox”"),
        ({"x": "words", "x_values": "blue, green"}, "“blue” isn't in the prompt"),
        (
            {"x": "seed", "x_values": "1-12"},
            "You asked for 12 pictures, but your limit is 10 an hour.",
        ),
        ({"x": "seed", "x_values": "1-2", "prompt": "{a, b} fish"}, "The braces give 2 prompts"),
        ({"x": "seed", "x_values": "1-2", "prompt": "a fish --repeat 2"}, "is one picture"),
        ({"x": "seed", "x_values": "1-2", "prompt": "a fish --seed 9"}, "seed"),
    ],
)
async def test_nonsense_is_told_and_nothing_is_asked(
    app: App, options: dict[str, Any], sentence: str
) -> None:
    async with app.open(limits={"pictures_per_hour": 10}) as bot:
        no = await asked(app, **{"prompt": "a red fish"} | options)
        assert sentence in no.text()
        assert no.labels == []
        assert bot.studio.queue() == []


async def test_the_limits_at_the_click_count(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 3}):
        question = await asked(app)
        await app.painted(app.alice)
        use = await app.alice.click(question, label="Paint 3 pictures")
        assert "you have 2 left of 3 pictures an hour" in await told_after(use)
        assert len(app.art.messages) == 1


async def test_names_are_offered_behind_those_that_are_there(app: App) -> None:
    async with app.open():

        async def offered(kind: str, typed: str, axis: str = "x", **more: str) -> list[str]:
            others = {"prompt": "x", axis: kind} | more
            found = await app.alice.autocomplete(app.art, "grid", f"{axis}_values", typed, **others)
            return [choice.value for choice in found]

        assert await offered("model", "tiny, oth") == ["tiny, other"]
        assert "ddim, euler_a" in await offered("scheduler", "ddim, euler", axis="y")
        assert await offered("seed", "1-") == ["1-4", "1-6"]
        assert await offered("lora", "") == ["none"]
        assert len(await offered("size", "")) > 1
        assert await offered("words", "dog, ") == []
        assert await app.alice.autocomplete(app.art, "grid", "x_values", "a", prompt="x") == []
        models = await app.alice.autocomplete(app.art, "grid", "model", "tin", prompt="x")
        assert [choice.value for choice in models] == ["tiny"]


async def test_a_picture_that_is_too_large_for_the_place_is_not_said_to_be_gone(
    app: App,
) -> None:
    async with app.open():
        message = await grid(app)
        app.guild.attachment_size_limit = 50
        use = await app.alice.select(message, "seed 2")
        assert await refused(use) == "This picture is too large to show here."


@pytest.mark.parametrize(("most", "names"), [(80_000, ["grid-1.webp"]), (50, [])])
async def test_a_sheet_that_is_too_large_is_made_smaller_or_its_pictures_stay_reachable(
    app: App, most: int, names: list[str]
) -> None:
    app.guild.attachment_size_limit = most
    async with app.open() as bot:
        message = await grid(app)
        assert [upload.filename for upload in message.attachments] == names
        assert ("The grid is too large for this channel" in message.text()) is (not names)
        assert (await bot.studio.job(2)).pictures


async def test_a_prompt_with_a_word_that_is_not_wanted_is_refused(app: App) -> None:
    mo = app.guild.add_member("mo", permissions=Permissions(manage_guild=True))
    async with app.open():
        await mo.slash(app.art, "words block", word="blue")
        no = await asked(app, "a red fish", x="words", x_values="red, blue")
        assert "a word that isn't allowed" in no.text()


async def test_the_refusal_of_a_deferred_question_is_told_to_who_asked(app: App) -> None:
    async with app.open():
        upload = Upload("x.png", b"no picture")
        use = await app.alice.slash(app.art, "grid", prompt="a fish", image=upload, **SEEDS)
        assert "can't be read as a picture" in await refused(use)


async def test_what_may_not_be_shown_is_not_on_the_sheet_until_it_is_released(
    app: App, tmp_path: Path
) -> None:
    mod = app.guild.add_member("mod", permissions=Permissions(moderate_members=True))
    app.safety = SafetySettings(classifier=str(classifier(tmp_path / "strict", "all")))
    async with app.open(unsafe_pictures="withhold"):
        message = await grid(app, x="seed", x_values="1, 2")
        assert message.attachments == []
        assert "2 pictures may not suit this channel and were withheld." in message.text()
        await mod.slash(app.art, "release", job=2)
        await app.discord.until(lambda: message.attachments, PATIENCE)
        assert "1 picture may not suit this channel and was withheld." in message.text()
        theirs = await (await app.bob.select(message, "seed 1")).message()
        assert theirs.attachments == []
        theirs = await (await app.bob.select(message, "seed 2")).message()
        assert len(theirs.attachments) == 1


async def test_it_is_told_in_the_language_of_who_asks(app: App) -> None:
    app.alice.locale = "zh-CN"
    async with app.open():
        question = await asked(app, x="guidance", x_values="1, 2", y="seed", y_values="1, 2")
        assert question.labels == ["绘制 4 张图片", "取消"]
        assert "- 引导强度: 1 · 2" in question.text().splitlines()
        message = await confirmed(app, question)
        await app.discord.until(lambda: message.attachments, PATIENCE)
        assert "对比图 1" in message.text()
        assert options_of(message)[3] == "引导强度 2 · 种子 2"
