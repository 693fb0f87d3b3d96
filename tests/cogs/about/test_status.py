"""/status: for the owner, and for nobody else."""

from __future__ import annotations

import importlib.metadata
import platform

from engine import JobState
from tests.cogs.app import App, told, until


async def test_the_owner_is_told_how_everything_is(app: App) -> None:
    owner = app.guild.add_member("developer")
    async with app.open() as bot:
        await app.painted(app.alice, count=2)
        broken = await app.ask(app.bob, "a lost cause", model="broken")
        await app.done(broken)
        use = await owner.slash(app.art, "status")
        text = (await use.message()).text()
        failed = await bot.studio.job(2)
    assert (await use.message()).ephemeral
    assert "**Device** " in text
    assert " GB free" in text
    assert "**Model** tiny" in text
    assert "**Plan** everything on the device. Expected peak: " in text
    assert "**Queue** 0 running, 0 waiting" in text
    assert "**Last hour** 2 pictures in 1 job" in text
    assert "**Failed in the last day** 1" in text
    assert failed.state is JobState.FAILED
    assert "job 2: " in text
    assert f"Python {platform.python_version()}" in text
    for package in ("torch", "diffusers", "discord.py"):
        assert f"{package} {importlib.metadata.version(package)}" in text
    assert "**Up since** <t:" in text


async def test_what_is_not_known_does_not_hide_the_rest(app: App) -> None:
    owner = app.guild.add_member("developer")
    async with app.open(engine={"default_model": "broken"}):
        text = (await (await owner.slash(app.art, "status")).message()).text()
    assert "**Model** broken" in text
    assert "**Plan**" not in text
    assert "⚠️ " in text
    assert "**Queue** 0 running" in text


async def test_of_several_devices_each_is_told(app: App) -> None:
    owner = app.guild.add_member("developer")
    async with app.open(engine={"device": ("cpu", "cuda:98"), "default_model": "broken"}) as bot:
        bot.studio._dispatcher.pause("cuda:98")
        text = (await (await owner.slash(app.art, "status")).message()).text()
    assert "-# **cpu** · 0 running · 0 pictures in the last day" in text
    assert "-# **cuda:98** · paused · 0 pictures in the last day" in text


async def test_nobody_else_sees_it_but_who_has_a_role_that_the_owner_named(app: App) -> None:
    moderation = app.guild.add_role("keeper")
    kim = app.guild.add_member("kim", roles=[moderation])
    async with app.open(admin_roles=(moderation.id,)):
        sentence = "Only the bot's owner can see how it's running."
        assert await told(await app.alice.slash(app.art, "status")) == sentence
        assert app.guild.owner is not None
        assert await told(await app.guild.owner.slash(app.art, "status")) == sentence
        assert "**Queue**" in (await (await kim.slash(app.art, "status")).message()).text()


async def test_what_is_in_the_queue_is_counted(app: App) -> None:
    owner = app.guild.add_member("developer")
    async with app.open() as bot:
        blocker = await app.occupy()
        await app.ask(app.alice)
        text = (await (await owner.slash(app.art, "status")).message()).text()
        await app.free(blocker)
        await until(bot.studio.undelivered, lambda jobs: not jobs)
    assert "**Model** slow" in text
    assert "**Queue** 1 running, 1 waiting" in text
