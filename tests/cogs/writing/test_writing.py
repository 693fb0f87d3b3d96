"""/describe, /prompt and what leads to them: words from pictures, and better words."""

from __future__ import annotations

import asyncio
import re
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from engine import DescribeSettings, PromptSettings
from engine.devices.messages import Pixels
from engine.writing.host import Writer
from tests.cogs.app import App, number, refused, told
from tests.discord_server import Message, Upload
from tests.tiny.writers import WORDS as KNOWN
from tests.tiny.writers import blip, parrot

WORDS = sorted(set(KNOWN.split()))
"""All words that the model knows."""


@pytest.fixture
def seeing(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """A bot that describes pictures, in few words."""
    from engine.diffusion.writing import captioner

    monkeypatch.setattr(captioner, "MAX_TOKENS", 8)
    app.describe = DescribeSettings(model=str(blip(tmp_path / "seeing")))
    return app


def upload(colour: str = "red") -> Upload:
    buffer = BytesIO()
    Image.new("RGB", (96, 64), colour).save(buffer, "PNG")
    return Upload("fox.png", buffer.getvalue())


def prompts_in(message: Message) -> list[str]:
    return re.findall(r"```\n(.*?)\n```", message.text())


async def test_a_picture_becomes_prompts_that_anybody_can_paint_after_a_restart(
    seeing: App,
) -> None:
    async with seeing.open():
        use = await seeing.alice.slash(seeing.art, "describe", image=upload())
        shown = await use.message()
        assert not shown.ephemeral
        prompts = prompts_in(shown)
        assert len(set(prompts)) == len(prompts) > 1
        assert shown.labels == [f"Paint {place}" for place in range(1, len(prompts) + 1)]
    async with seeing.open() as bot:
        use = await seeing.bob.click(shown, label="Paint 2")
        message = await seeing.done(await use.message())
        job = await bot.studio.job(number(message))
        assert (job.owner, job.recipe.prompt) == (str(seeing.bob.user.id), prompts[1])
        assert not message.ephemeral


async def test_a_description_that_a_restart_breaks_off_is_given_after_it(
    seeing: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    captions = Writer.captions

    def slow(self: Writer, folder: Path, picture: Pixels) -> list[str]:
        begun.set()
        assert go_on.wait(30)
        return captions(self, folder, picture)

    monkeypatch.setattr(Writer, "captions", slow)
    async with seeing.open():
        use = await seeing.alice.slash(seeing.art, "describe", image=upload(), private=True)
        assert await asyncio.to_thread(begun.wait, 30)
    go_on.set()
    async with seeing.open():
        assert len(prompts_in(await use.message())) > 1


async def test_what_is_asked_privately_is_painted_privately(seeing: App) -> None:
    async with seeing.open():
        use = await seeing.alice.slash(seeing.art, "describe", image=upload(), private=True)
        shown = await use.message()
        assert shown.ephemeral
        use = await seeing.alice.click(shown, label="Paint 1")
        assert (await seeing.done(await use.message())).ephemeral


async def test_pictures_that_are_there_are_described_quietly(seeing: App) -> None:
    async with seeing.open():
        hidden = await seeing.painted(seeing.alice, seed=5, private=True)
        shown = await (await seeing.press(seeing.alice, hidden, "Describe")).message()
        assert shown.ephemeral
        use = await seeing.alice.click(shown, label="Paint 1")
        assert (await seeing.done(await use.message())).ephemeral, "as private as the picture"
        said = await seeing.alice.say(seeing.art, "look", files=[upload(), upload("blue")])
        menu = "Describe this picture"
        chosen = await (await seeing.bob.use_on_message(said, menu)).message()
        assert chosen.labels == ["Describe picture 1", "Describe picture 2"]
        shown = await (await seeing.bob.click(chosen, label="Describe picture 2")).message()
        assert shown.ephemeral
        said = await seeing.alice.say(seeing.art, "look", files=[upload()])
        assert prompts_in(await (await seeing.bob.use_on_message(said, menu)).message())
        two = await seeing.painted(seeing.alice, seed=5, count=2)
        chosen = await (await seeing.bob.use_on_message(two, menu)).message()
        shown = await (await seeing.bob.click(chosen, label="Describe picture 2")).message()
        use = await seeing.bob.click(shown, label="Paint 1")
        assert not (await seeing.done(await use.message())).ephemeral


async def test_blocked_words_are_left_out_and_bad_pictures_refused(seeing: App) -> None:
    async with seeing.open() as bot:
        scope = f"guild:{seeing.guild.id}"
        use = await seeing.alice.slash(seeing.art, "describe", image=upload())
        before = prompts_in(await use.message())
        words = {each: [text for text in before if each not in text.split()] for each in WORDS}
        word, allowed = next((word, left) for word, left in words.items() if 0 < len(left) < 4)
        await bot.studio.moderation.block_word(scope, word)
        use = await seeing.alice.slash(seeing.art, "describe", image=upload())
        assert prompts_in(await use.message()) == allowed
        for other in WORDS:
            await bot.studio.moderation.block_word(scope, other)
        use = await seeing.alice.slash(seeing.art, "describe", image=upload())
        assert "words that are allowed" in await refused(use)
        use = await seeing.bob.slash(seeing.art, "describe", image=Upload("a.txt", b"words"))
        assert "isn't a supported picture" in await told(use)
        use = await seeing.bob.slash(seeing.art, "describe", image=Upload("a.png", b"no picture"))
        assert "can't be read as a picture" in await refused(use)


async def test_a_prompt_is_improved_shown_only_to_the_member_and_painted(
    app: App, tmp_path: Path
) -> None:
    said = '<think>\n\n</think>\n\nImproved prompt: "a red fox in deep snow"'
    app.prompts = PromptSettings(model=str(parrot(tmp_path / "parrot", said)))
    async with app.open() as bot:
        text = "a fox --seed 7 --size 32x32"
        shown = await (await app.alice.slash(app.art, "prompt improve", text=text)).message()
        assert shown.ephemeral
        assert prompts_in(shown) == ["a red fox in deep snow --seed 7 --size 32x32", text]
        assert shown.labels == ["Paint it", "Another"]
        assert not bot.studio.queue()
    async with app.open() as bot:
        other = await (await app.alice.click(shown, label="Another")).message()
        assert other.ephemeral
        assert prompts_in(other) == prompts_in(shown)
        use = await app.alice.click(other, label="Paint it")
        message = await app.done(await use.message())
        recipe = (await bot.studio.job(number(message))).recipe
        assert (recipe.prompt, recipe.seed) == ("a red fox in deep snow", 7)
        assert not message.ephemeral, "painting is as public as ever"


async def test_words_are_checked_before_and_after(app: App, tmp_path: Path) -> None:
    app.prompts = PromptSettings(model=str(parrot(tmp_path / "parrot", "a red fox")))
    async with app.open() as bot:
        await bot.studio.moderation.block_word(f"guild:{app.guild.id}", "fox")
        use = await app.alice.slash(app.art, "prompt shorten", text="a fox")
        assert "a word that isn't allowed" in await told(use)
        use = await app.alice.slash(app.art, "prompt shorten", text="an animal")
        message = await use.followup()
        assert "What the model wrote contains a word" in message.text()
        use = await app.alice.slash(app.art, "prompt shorten", text="a cat --wide 3")
        assert "--wide" in (await use.followup()).text()


async def test_without_models_the_owner_is_told_what_to_set(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "describe", image=upload())
        assert "model` in the section `[describe]`" in await told(use)
        use = await app.alice.slash(app.art, "prompt improve", text="a fox")
        assert "model` in the section `[prompts]`" in await told(use)
        message = await app.painted(app.alice)
        more = await (await app.bob.click(message, label="More…")).message()
        assert "Describe" not in more.labels
