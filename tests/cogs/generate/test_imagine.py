"""/imagine: from a typed prompt to pictures in the channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.store import Database
from tests.cogs.app import PATIENCE, App, alt_texts, image, number, recipe_in, seed, told
from tests.discord_server import ClientRefuses


async def test_the_answer_comes_within_a_second_and_shows_the_position(
    app: App,
) -> None:
    async with app.open():
        await app.occupy()
        first = await app.alice.slash(app.art, "imagine", prompt="a red house")
        second = await app.bob.slash(app.art, "imagine", prompt="a blue house")
        assert first.acknowledged_after < 1
        assert second.acknowledged_after < 1
        message = await second.message()
        assert message.text().startswith("**a blue house**\n⏳ 2nd in line")
        assert message.labels == ["Cancel"]
        assert not message.ephemeral


async def test_time_left_is_shown_once_steps_were_measured(app: App) -> None:
    async with app.open():
        await app.painted(app.alice)
        await app.painted(app.alice, model="slow", steps=1, count=4)
        await app.occupy()
        message = await app.ask(app.bob)
        assert "1st in line · ready <t:" in message.text()


@pytest.mark.slow
async def test_a_running_job_shows_a_bar_and_previews_until_the_pictures(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (
        "cogs.messages.throttle.MESSAGE_INTERVAL",
        "cogs.messages.throttle.CHANNEL_INTERVAL",
        "engine.diffusion.running_job.PREVIEW_INTERVAL",
        "engine.diffusion.running_job.PREVIEW_MIN_DURATION",
    ):
        monkeypatch.setattr(seconds, 0.05)
    async with app.open():
        message = await app.ask(app.alice, model="slow", steps=20, count=2)
        await app.discord.until(lambda: "▰" in message.text(), PATIENCE)
        await app.done(message)
        looks = [[file.filename for file in look.attachments] for look in message.looks]
        assert ["preview.webp"] in looks
        assert looks[-1] == ["000001-1.png", "000001-2.png"]
        assert any("%" in look.text() for look in message.looks)
        assert alt_texts(message) == ["a red house"] * 2


async def test_the_result_is_one_message_with_all_pictures_and_settings(
    app: App, tmp_path: Path
) -> None:
    async with app.open():
        message = await app.painted(
            app.alice, "a red house", negative_prompt="rain", count=4, seed=7, steps=3, guidance=5
        )
        assert app.art.messages == [message]
        assert [file.filename for file in message.attachments] == [
            f"000001-{i}.png" for i in (1, 2, 3, 4)
        ]
        assert message.text() == (
            f"**a red house**\n-# {app.alice.mention} · job 1\n"
            "-# tiny · 64×64 · 3 steps · guidance 5 · ddim · seed 7–10 · without rain"
        )
        assert message.labels[:4] == [f"Picture {i}" for i in (1, 2, 3, 4)]
        assert {"Again", "Delete"} < {*message.labels}
        assert alt_texts(message) == ["a red house"] * 4
        assert len({file.read() for file in message.attachments}) == 4
        request = recipe_in(message.attachments[2], tmp_path)
        assert (request.prompt, request.negative_prompt) == ("a red house", "rain")
        assert (request.seed, request.num_inference_steps) == (9, 3)
        assert (request.model, request.width, request.height) == ("tiny", 64, 64)
        assert image(message.attachments[0]).size == (64, 64)


async def test_prompts_never_ping(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, f"@everyone look {app.bob.mention}")
        await app.alice.slash(app.art, "queue")
        assert message.pings == []
        assert app.alice.mention in message.text()
        assert len(app.writes()) >= 3
        for body in app.writes():
            assert body["allowed_mentions"]["parse"] == []
            assert not body["allowed_mentions"].get("users")


async def test_discord_refuses_options_out_of_range(app: App) -> None:
    async with app.open():
        for options in (
            {"count": 5},
            {"count": 0},
            {"steps": 0},
            {"steps": 151},
            {"seed": -1},
            {"seed": 2**32},
            {"guidance": 30.5},
            {"prompt": ""},
            {"prompt": "x" * 2001},
            {"size": "x"},
        ):
            with pytest.raises(ClientRefuses):
                await app.ask(app.alice, **options)


async def test_sizes_by_ratio_by_name_and_by_pixels(app: App) -> None:
    async with app.open():
        for text, size in (
            ("3:2", (80, 56)),
            ("landscape", (72, 56)),
            ("Portrait", (56, 72)),
            ("64x96", (64, 96)),
            ("128 × 32", (128, 32)),
        ):
            message = await app.painted(app.alice, size=text)
            assert image(message.attachments[0]).size == size


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": "biggest"}, "“biggest” isn't a valid size. tiny: 1:1 (64x64)"),
        ({"size": "4096x64"}, "The width is 4096 pixels, but tiny paints 32 to 128."),
        ({"size": "64x65"}, "The height is 65 pixels, but must be a multiple of 8, such as 64."),
        ({"model": "tinny"}, "There's no model “tinny”. Did you mean “tiny”?"),
        ({"prompt": " \t  "}, "The prompt is empty. Say what the picture should show."),
    ],
    ids=["nonsense", "too large", "odd", "model", "whitespace"],
)
async def test_invalid_options_are_refused_ephemerally(
    app: App, options: dict[str, Any], sentence: str
) -> None:
    async with app.open() as bot:
        asked = {"prompt": "a red house"} | options
        assert sentence in await told(await app.alice.slash(app.art, "imagine", **asked))
        assert await bot.studio.undelivered() == []
        assert app.art.messages == []


async def test_autocomplete_of_sizes(app: App) -> None:
    async with app.open():

        async def offered(typed: str, **others: Any) -> list[str]:
            choices = await app.alice.autocomplete(
                app.art, "imagine", "size", typed, prompt="x", **others
            )
            return [choice.value for choice in choices]

        assert (await offered(""))[0] == "64x64"
        assert (await offered("", model="other"))[0] == "88x88"
        assert (await offered("", model="no such model"))[0] == "64x64"
        assert await offered("PORTRAIT") == ["56x72", "56x80", "48x88"]
        assert await offered("88x") == ["88x48"]
        assert await offered("nonsense") == []


async def test_autocomplete_of_models(app: App) -> None:
    async with app.open():
        choices = await app.alice.autocomplete(app.art, "imagine", "model", "t", prompt="x")
        assert [choice.value for choice in choices] == ["sketch", "tiny", "other"]
        choices = await app.alice.autocomplete(app.art, "imagine", "model", "TI", prompt="x")
        assert [choice.value for choice in choices] == ["sketch", "tiny"]


PROMPTS = [
    "*a* **red** __house__ `under` ~~the~~ ||moon||",
    "# not a heading",
    "> not a quote",
    "- not a list",
    "[not a link](https://example.com)",
    "```\nnot code",
    "**",
    "@everyone @here <@1> <@&2> <#3>",
    "<:emoji:1> 🏠🏡 👩🏽‍🎨",
    "بيت أحمر \u202e under the moon",
    "一座红色的房子",
    "a\n\nred\thouse",
    "Negative prompt: a house",
    "\\",
    "x" * 2000,
    "*" * 2000,
    "🏠" * 1000,
]


async def test_any_prompt_is_escaped_and_stored_in_the_picture(app: App, tmp_path: Path) -> None:
    async with app.open(engine={"batch_size": 4}):
        asked = [await app.ask(app.alice, prompt, steps=1) for prompt in PROMPTS]
        for prompt, message in zip(PROMPTS, asked, strict=True):
            await app.done(message)
            first, *rest = message.text().split("\n")
            assert first.startswith("**")
            assert first.endswith("**")
            assert rest[0].startswith(f"-# {app.alice.mention}")
            assert message.pings == []
            kept = recipe_in(message.attachments[0], tmp_path)
            assert kept.seed == seed(message)
            if not prompt.startswith("Negative prompt: "):
                assert kept.prompt == " ".join(prompt.split())


async def test_a_job_fails_and_the_next_one_is_painted(app: App) -> None:
    async with app.open():
        failed = await app.ask(app.alice, model="broken")
        next_one = await app.ask(app.bob)
        await app.done(failed)
        await app.done(next_one)
        assert "⚠️" in failed.text()
        assert failed.labels == ["Again", "Delete"]
        assert len(next_one.attachments) == 1
        app.place_model()
        await app.alice.click(failed, label="Again")
        await app.discord.until(lambda: len(app.art.messages) == 3)
        again = await app.done(app.art.messages[-1])
        assert (number(again), len(again.attachments)) == (3, 1)


async def test_what_a_request_needs_is_read_from_the_database_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[tuple[object, ...]] = []
    read = Database.read

    async def counted(self: Database, sql: str, *parameters: object) -> Any:
        reads.append((sql, *parameters))
        return await read(self, sql, *parameters)

    async with app.open():
        await app.painted(app.alice)
        monkeypatch.setattr(Database, "read", counted)
        await app.painted(app.alice)
    assert len(reads) <= 8, reads
    twice = {str(each[-1]) for each in reads if reads.count(each) > 1}
    assert twice <= {"wishes"}, "later, the defaults tell whether to mention them"
