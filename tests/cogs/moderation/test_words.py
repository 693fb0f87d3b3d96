"""/words: what must not be in a prompt here, on every way in."""

from __future__ import annotations

import pytest

from tests.cogs.app import App, told
from tests.discord_server import Member, Permissions

REFUSAL = (
    "Your prompt contains a word that isn't allowed in this server. Rephrase it, or ask "
    "someone who manages the server."
)


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def test_a_blocked_word_is_refused_in_commands_and_on_old_messages(
    app: App, manager: Member
) -> None:
    async with app.open():
        message = await app.painted(app.alice, "a bowl of blood oranges")
        use = await manager.slash(app.art, "words block", word="Blood")
        assert await told(use) == "Prompts with “blood” are now blocked."
        use = await app.alice.slash(app.art, "imagine", prompt="BLООD moon")  # Cyrillic
        assert await told(use) == REFUSAL
        use = await app.alice.slash(
            app.art, "imagine", prompt="a moon", negative_prompt="blo\u200bod"
        )
        assert await told(use) == REFUSAL.replace("prompt", "negative prompt", 1)
        assert await told(await app.bob.click(message, label="Again")) == REFUSAL
        assert await told(await app.press(app.bob, message, "Upscale 2× (fast)")) == REFUSAL
        assert await told(await app.bob.click(message, label="Vary (subtle)")) == REFUSAL
        await app.painted(app.alice, "a bloodhound")


async def test_words_are_listed_and_allowed_again(app: App, manager: Member) -> None:
    async with app.open():
        assert (await told(await manager.slash(app.art, "words list"))).startswith(
            "No words are restricted."
        )
        for word in ("gore", "Red  Light", "*star*"):
            await manager.slash(app.art, "words block", word=word)
        text = await told(await manager.slash(app.art, "words list"))
        assert text == "**Blocked words:**\n\\*star\\*, gore, red light"
        choices = await manager.autocomplete(app.art, "words remove", "word", "RED")
        assert [choice.value for choice in choices] == ["red light"]
        use = await manager.slash(app.art, "words remove", word="red light")
        assert await told(use) == "“red light” can be used again."
        use = await manager.slash(app.art, "words remove", word="red light")
        assert (await told(use)).startswith("“red light” isn't on a list")


async def test_the_list_is_for_managers_alone(app: App, manager: Member) -> None:
    async with app.open():
        await manager.slash(app.art, "words block", word="gore")
        for command, options in (
            ("words list", {}),
            ("words block", {"word": "tree"}),
            ("words review", {"word": "tree"}),
            ("words remove", {"word": "gore"}),
        ):
            text = await told(await app.alice.slash(app.art, command, **options))
            assert text.startswith("You need the Manage Server permission")
        assert not await app.alice.autocomplete(app.art, "words remove", "word", "")
        assert await told(await manager.slash(app.art, "words list")) == "**Blocked words:**\ngore"


async def test_a_word_is_on_one_list_and_both_are_shown(app: App, manager: Member) -> None:
    async with app.open():
        for word in ("gore", "blood"):
            await manager.slash(app.art, "words block", word=word)
        use = await manager.slash(app.art, "words review", word="BLOOD")
        assert await told(use) == (
            "Prompts with “blood” now need a moderator's approval. Requests are posted in the "
            "channel where the prompt was sent; you can change that in `/settings`."
        )
        text = await told(await manager.slash(app.art, "words list"))
        assert text == "**Blocked words:**\ngore\n**Words that need review:**\nblood"
        choices = await manager.autocomplete(app.art, "words remove", "word", "")
        assert [choice.value for choice in choices] == ["blood", "gore"]
        use = await manager.slash(app.art, "words remove", word="blood")
        assert await told(use) == "“blood” can be used again."
        await app.painted(app.alice, "blood oranges")


async def test_a_long_list_comes_in_several_messages(app: App, manager: Member) -> None:
    async with app.open() as bot:
        words = [f"word {number:03} {'x' * 30}" for number in range(100)]
        for word in words:
            await bot.studio.moderation.block_word(f"guild:{app.guild.id}", word)
        use = await manager.slash(app.art, "words list")
        await use.followup(1)
        messages = [await use.message(), *use.followups]
        text = " ".join(message.text() for message in messages)
        assert all(word in text.replace("\n", " ") for word in words)
