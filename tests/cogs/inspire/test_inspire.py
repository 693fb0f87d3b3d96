"""/inspire: a random prompt that everyone in the channel may read."""

from __future__ import annotations

from discord import Permissions

from tests.cogs.app import App
from tests.discord_server import Member, Message


async def inspired(app: App, member: Member, **options: str) -> Message:
    """The answer to /inspire."""
    return await (await member.slash(app.art, "inspire", **options)).message()


async def test_a_public_prompt_is_shown_ephemerally_with_its_author(app: App) -> None:
    async with app.open():
        message = await app.painted(app.bob, "a *blue* boat")
        shown = await inspired(app, app.alice)
        assert shown.ephemeral
        assert "a \\*blue\\* boat" in shown.text()
        assert "```\na *blue* boat\n```" in shown.text()
        assert app.bob.mention in shown.text()
        assert f"/{app.art.id}/{message.id}" in shown.text()


async def test_again_paints_it_as_a_job_of_the_user_who_clicks(app: App) -> None:
    async with app.open() as bot:
        await app.painted(app.bob, "a blue boat")
        shown = await inspired(app, app.alice)
        use = await app.alice.click(shown, label="Again")
        await app.done(await use.message())
        job = await bot.studio.job(2)
        assert (job.owner, job.recipe.prompt) == (str(app.alice.user.id), "a blue boat")
        assert job.recipe.seed != (await bot.studio.job(1)).recipe.seed


async def test_another_replaces_it_even_after_a_restart(app: App) -> None:
    async with app.open():
        await app.painted(app.bob, "a blue boat")
        await app.painted(app.bob, "a red boat")
        await app.painted(app.bob, "a house")
        shown = await inspired(app, app.alice, words="boat")
    seen = set()
    async with app.open():
        for _ in range(40):
            await app.alice.click(shown, label="Another")
            await app.discord.until(lambda: "boat" in shown.text())
            seen |= {colour for colour in ("blue", "red", "house") if colour in shown.text()}
            if len(seen) == 2:
                break
    assert seen == {"blue", "red"}


async def test_private_and_hidden_prompts_are_left_out(app: App) -> None:
    studio = app.guild.add_channel("studio")
    studio.overwrite(app.alice, deny=Permissions(view_channel=True))
    async with app.open():
        await app.painted(app.alice, "my own secret", private=True)
        await app.painted(app.bob, "a surprise", where=studio)
        shown = await inspired(app, app.alice)
        assert shown.text().startswith("Nothing public has been painted here yet.")
        assert shown.buttons == []
        assert "No public prompt" in (await inspired(app, app.alice, words="secret")).text()


async def test_prompts_of_other_servers_are_left_out(app: App) -> None:
    poets = app.discord.add_guild("Poets")
    verses = poets.add_channel("verses")
    carol = poets.add_member("carol")
    async with app.open():
        await app.painted(carol, "an ode", where=verses)
        assert "Nothing public" in (await inspired(app, app.alice)).text()
