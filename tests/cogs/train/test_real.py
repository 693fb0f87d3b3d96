"""/train with nothing scripted: the built-in model is trained, and paints with the LoRA."""

from __future__ import annotations

import pytest

from engine import TrainingSettings
from tests.cogs.app import App, settings_line, told
from tests.discord_server import Member

from .steps import collected, shows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("frequent_edits"),
]

STEPS = 60


async def test_a_lora_is_collected_started_interrupted_finished_painted_with_and_removed(
    app: App, mod: Member
) -> None:
    app.training = TrainingSettings(idle_minutes=0, max_steps=STEPS)
    async with app.open() as bot:
        card = await collected(app, bot, mod, base="sketch")
        await shows(app, card, r"of memory .* on disk", 120)
        await mod.click(card, label="Start")
        await shows(app, card, "training 1", 120)
        await shows(app, card, rf"step \d+ of {STEPS}", 240)
        assert (await bot.studio.trainings.get(1)).steps == STEPS
    async with app.open() as bot:
        await shows(app, card, "Paint with `/imagine lora:zork`", 240)
        assert card.labels == ["Paint with it", "Remove"]
        assert [file.filename.partition(".")[0] for file in card.attachments] == ["samples"]
        [named, with_words] = await app.alice.autocomplete(
            app.art, "imagine", "lora", "zo", prompt="x", model="sketch"
        )
        assert (named.value, with_words.value) == ("zork", "zork+")
        picture = await app.painted(app.alice, "a fish", model="sketch", steps=2, lora="zork+")
        assert settings_line(picture)[-1] == "LoRA zork 1"
        assert "zork" in picture.text().splitlines()[0]
        modal = await (await mod.click(card, label="Paint with it")).modal()
        painted = await (await mod.submit(modal, {"Prompt": "zork --steps 2"})).message()
        await app.done(painted)
        assert settings_line(painted)[-1] == "LoRA zork 1"
        asked = await (await mod.click(card, label="Remove")).message()
        await mod.click(asked, label="Remove")
        await app.discord.until(lambda: card.deleted, 30)
        refusal = await told(
            await app.alice.slash(app.art, "imagine", prompt="x", model="sketch", lora="zork")
        )
        assert refusal.startswith("There's no LoRA “zork”.")


async def test_a_private_lora_is_nobody_elses(app: App, mod: Member) -> None:
    app.training = TrainingSettings(idle_minutes=0, max_steps=2)
    async with app.open() as bot:
        card = await collected(app, bot, mod, base="sketch", private=True)
        await mod.click(card, label="Start")
        await shows(app, card, "Paint with `/imagine lora:zork`", 240)
        asked = {"prompt": "a fish", "model": "sketch"}
        refusal = await told(await app.alice.slash(app.art, "imagine", lora="zork", **asked))
        assert refusal.startswith("There's no LoRA “zork”.")
        assert "zork" not in await told(await app.alice.slash(app.art, "lora info"))
        assert not await app.alice.autocomplete(app.art, "imagine", "lora", "zo", **asked)
        await app.painted(mod, "a fish", model="sketch", steps=2, lora="zork")
        await mod.click(card, label="Share with the server")
        await app.discord.until(lambda: "Share with the server" not in card.labels, 30)
        await app.painted(app.alice, "a fish", model="sketch", steps=2, lora="zork")
