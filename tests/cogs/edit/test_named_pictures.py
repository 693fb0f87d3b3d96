"""--sref and --oref: the style and the subject of pictures that were painted here."""

from __future__ import annotations

import pytest

from engine import Parent, Studio
from tests.cogs.app import App, number, refused, told
from tests.cogs.grids.sheets import asked, confirmed
from tests.discord_server import Message, Permissions

WORDS = ("a fox", "a hat", "a boat", "a fish")


async def shown_with(studio: Studio, message: Message, job: int) -> tuple[str, int]:
    """The words of a finished job, and the number of the picture of `job` that it was shown."""
    recipe = (await studio.job(number(message))).recipe
    [shown] = recipe.references
    names = [await studio.init_images.keep_finished(Parent(job, each)) for each in range(4)]
    return recipe.prompt.partition(",")[0], names.index(shown) + 1


async def test_pictures_are_named_by_job_by_number_and_by_link(klein: App) -> None:
    async with klein.open() as bot:
        first = await klein.painted(klein.alice, count=2)
        second = await klein.painted(klein.alice)
        link = f"https://discord.com/channels/{klein.guild.id}/{klein.art.id}/{second.id}"
        job = number(first)
        prompt = f"a fox --model klein --sref {job} --oref {job}.2 --sref {link} --ar 1:1"
        message = await klein.painted(klein.bob, prompt)
        recipe = (await bot.studio.job(number(message))).recipe
        assert recipe.prompt == (
            "a fox, in the style of picture 1, with the subject of picture 2, "
            "in the style of picture 3"
        )
        assert len(set(recipe.references)) == 3


async def test_what_cannot_be_used_is_said_and_nothing_is_queued_or_told(klein: App) -> None:
    async with klein.open() as bot:
        secret = await klein.painted(klein.alice, private=True)
        mine = await klein.painted(klein.alice)
        hers = await klein.alice.say(klein.art, "look")
        cellar = klein.guild.add_channel("cellar")
        hidden = await klein.painted(klein.alice, where=cellar)
        words = await klein.alice.say(cellar, "look")
        deleted = await klein.painted(klein.alice)
        await klein.alice.click(deleted, label="Delete")
        await klein.discord.until(lambda: deleted.deleted, 10)
        cellar.overwrite(klein.bob, deny=Permissions(view_channel=True))
        poets = klein.discord.add_guild("Poets")
        other = poets.add_channel("den")
        channels = "https://discord.com/channels"

        async def answer(flags: str, model: str = "klein") -> str:
            prompt = f"a fox --model {model} {flags}"
            use = await klein.bob.slash(klein.art, "imagine", prompt=prompt)
            return await (refused if use.response == 5 else told)(use)

        assert "isn't visible here" in await answer(f"--sref {number(secret)}")
        assert "isn't visible here" in await answer("--sref 999")
        assert "has no picture 3" in await answer(f"--sref {number(mine)}.3")
        assert "shows no picture of mine" in await answer(
            f"--oref {channels}/{klein.guild.id}/{klein.art.id}/{hers.id}"
        )
        for unseen in (hidden, words, deleted):
            where = f"{channels}/{klein.guild.id}/{unseen.channel.id}/{unseen.id}"
            assert "I can't find the message" in await answer(f"--sref {where}")
        for gone in (hidden, deleted):
            assert "isn't visible here" in await answer(f"--sref {number(gone)}")
        assert "of this server" in await answer(f"--oref {channels}/{poets.id}/{other.id}/1")
        assert "of this server" in await answer("--oref https://example.com/a.png")
        assert "takes the number of a job" in await answer("--sref random")
        assert "up to 4 pictures, not 5" in await answer(f"--sref {number(mine)} " * 5)
        assert "takes no `--sw` or `--ow`" in await answer(f"--sref {number(mine)} --sw 50")
        assert "with an IP-Adapter, which isn't" in await answer(f"--sref {number(mine)}", "tiny")
        assert not bot.studio.queue()


async def test_what_is_shown_a_private_picture_is_private(klein: App) -> None:
    async with klein.open() as bot:
        secret = number(await klein.painted(klein.alice, private=True))
        public = await klein.painted(klein.alice)
        named = f"a fox --model klein --sref {number(public)} --sref {secret}"
        assert (await klein.painted(klein.alice, named)).ephemeral
        assert not (await klein.painted(klein.alice, named, private=False)).ephemeral
        said = await klein.alice.say(
            klein.art, f"<@{klein.discord.world.bot.id}> {named}", reply_to=public
        )
        await klein.discord.until(
            lambda: any(
                each.reference is said and "everyone sees answers here" in each.text()
                for each in klein.art.history
            )
        )
        assert not bot.studio.queue()


@pytest.mark.slow
async def test_words_drawn_at_random_never_go_with_the_picture_of_other_words(klein: App) -> None:
    async with klein.open() as bot:
        job = number(await klein.painted(klein.alice, count=4))
        options = "|".join(f"{words} --sref {job}.{at}" for at, words in enumerate(WORDS, start=1))
        for _ in range(3):
            message = await klein.painted(klein.alice, f"{{{options}}} --model klein")
            words, shown = await shown_with(bot.studio, message, job)
            assert words == WORDS[shown - 1]


async def test_every_variant_of_a_prompt_is_shown_its_own_picture_or_none(klein: App) -> None:
    async with klein.open() as bot:
        job = number(await klein.painted(klein.alice, count=4))
        options = f"a fox --sref {job}.2, a hat --sref {job}.4, a boat"
        use = await klein.alice.slash(klein.art, "imagine", prompt=f"{{{options}}} --model klein")
        await klein.discord.until(lambda: len(use.followups) == 2)
        messages = [await klein.done(each) for each in (await use.message(), *use.followups)]
        assert await shown_with(bot.studio, messages[0], job) == ("a fox", 2)
        assert await shown_with(bot.studio, messages[1], job) == ("a hat", 4)
        boat = (await bot.studio.job(number(messages[2]))).recipe
        assert (boat.prompt, boat.references) == ("a boat", ())


@pytest.mark.slow
async def test_a_grid_whose_words_name_pictures_shows_each_cell_its_own(klein: App) -> None:
    async with klein.open() as bot:
        job = number(await klein.painted(klein.alice, count=4))
        axis = {"x": "words", "x_values": f"{job}.1, {job}.3", "model": "klein"}
        question = await asked(klein, f"a fox --sref {job}.1", **axis)
        await klein.done(await confirmed(klein, question))
        cells = [await bot.studio.job(job + each) for each in (1, 2)]
        names = [await bot.studio.init_images.keep_finished(Parent(job, at)) for at in (0, 2)]
        assert [list(cell.recipe.references) for cell in cells] == [[name] for name in names]
