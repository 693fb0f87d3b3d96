"""/imagine with flags, as Midjourney users type them, and with dynamic prompts."""

from __future__ import annotations

import re

import pytest

from tests.cogs.app import App, number, settings_line, told
from tests.cogs.generate.test_options import picture
from tests.discord_server import Upload


async def test_flags_are_applied_and_removed_from_the_prompt(app: App) -> None:
    async with app.open():
        message = await app.painted(
            app.alice,
            "a red house --ar 3:2 \u2014steps 3 --cfg 5 --seed 7 --repeat 2 --scheduler euler "
            "--model other --no rain, hands",
        )
        assert message.text() == (
            f"**a red house**\n-# {app.alice.mention} · job 1\n"
            "-# other · 112×72 · 3 steps · guidance 5 · euler · seed 7–8 · without rain, hands"
        )
        again = await (await app.bob.click(message, label="Again")).message()
        await app.done(again)
        assert settings_line(again)[1:5] == ["112×72", "3 steps", "guidance 5", "euler"]


async def test_flags_in_a_modal_override_its_prefilled_settings(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, "a fish", seed=1, steps=1)
        modal = await (await app.bob.click(message, label="Remix")).modal()
        use = await app.bob.submit(modal, {"Prompt": "a boat --seed 9 --ar 3:2 --no rain"})
        remixed = await app.done(await use.message())
        assert remixed.text().startswith("**a boat**")
        parts = settings_line(remixed)
        assert parts[1:3] + parts[5:7] == ["80×56", "1 step", "seed 9", "without rain"]
        modal = await (await app.bob.click(message, label="Remix")).modal()
        refusal = await told(await app.bob.submit(modal, {"Prompt": "a boat --sed 9"}))
        assert refusal.startswith("There's no flag --sed.")


async def test_the_weight_of_a_start_image_as_a_flag(app: App) -> None:
    async with app.open():
        upload = Upload("house.png", picture())
        message = await app.painted(app.alice, "a fish --iw 2", image=upload)
        assert settings_line(message)[-1] == "start image, strength 0.43"


@pytest.mark.parametrize(
    ("prompt", "typed", "sentence"),
    [
        ("a fish --sed 7", {}, "There's no flag --sed. Did you mean --seed?"),
        ("a fish --seed 7", {"seed": 8}, "The seed is given twice: 8 and 7."),
        ("a fish --size 64x96", {"size": "3:2"}, "The width is given twice: 80 and 64."),
        ("a fish --model tinny", {}, "There's no model “tinny”. Did you mean “tiny”?"),
        ("a fish --repeat 5", {}, "The number of pictures must be between 1 and 4, not 5"),
        ("a fish --strength 0.5", {}, "Strength needs a start image"),
        ("--seed 7", {}, "The prompt is empty"),
        ("{a,b,c,d} {e,f,g,h,i}", {}, "The braces stand for 20 prompts; the limit is 16"),
        ("{a fish, a boat --sed 7}", {}, "There's no flag --sed."),
    ],
)
async def test_invalid_flags_are_refused_ephemerally(
    app: App, prompt: str, typed: dict[str, object], sentence: str
) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(app.art, "imagine", prompt=prompt, **typed)
        assert sentence in await told(use)
        assert bot.studio.queue() == []


async def test_each_variant_of_a_dynamic_prompt_has_its_own_message(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(
            app.art, "imagine", prompt="a {red, blue --seed 5} {fish|boat} --steps 1"
        )
        messages = [await use.message(), await use.followup()]
        for message in messages:
            await app.done(message)
        assert [number(message) for message in messages] == [1, 2]
        assert re.match(r"\*\*a red (fish|boat)\*\*", messages[0].text())
        assert re.match(r"\*\*a blue (fish|boat)\*\*", messages[1].text())
        assert settings_line(messages[1])[-1] == "seed 5"
        assert app.art.messages == messages


async def test_a_refused_follow_up_is_posted_with_the_pictures(app: App) -> None:
    async with app.open() as bot:
        app.discord.fail_next(method="POST", path="/webhooks/[^/]+/[^/]+", status=403)
        use = await app.alice.slash(app.art, "imagine", prompt="{red, blue} house --steps 1")
        first = await app.done(await use.message())
        await app.settled(bot)
        assert [m.text().split("\n")[0] for m in app.art.messages] == [
            "**red house**",
            "**blue house**",
        ]
        assert number(first) == 1


async def test_limits_apply_to_all_prompts_together(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 5, "waiting_jobs": 3}) as bot:

        async def refusal(prompt: str) -> str:
            return await told(await app.alice.slash(app.art, "imagine", prompt=prompt))

        assert await refusal("{a,b,c,d}") == (
            "That's 4 jobs, but you can only have 3 open at a time."
        )
        assert await refusal("{a,b} --repeat 3") == (
            "You asked for 6 pictures, but your limit is 5 an hour."
        )
        assert bot.studio.queue() == []
        blocker = await app.occupy()
        await app.ask(app.alice)
        await app.ask(app.alice)
        assert await refusal("{a,b}") == (
            "You already have 2 jobs waiting, and these are 2 more, but your limit is 3 at a "
            "time. Wait for some to finish, or cancel some."
        )
        await app.release(blocker)


async def test_all_prompts_are_queued_or_none(app: App) -> None:
    async with app.open(limits={"queue_size": 2}) as bot:
        use = await app.alice.slash(app.art, "imagine", prompt="{a,b,c}")
        assert (await told(use)).startswith("The queue is full (2 jobs).")
        assert bot.studio.queue() == []
