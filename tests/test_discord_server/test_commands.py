"""Registering commands: what Discord refuses, and what keeps its id."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord import app_commands
from discord.http import Route

from .conftest import Scene


async def register(scene: Scene, *commands: dict[str, Any]) -> Any:
    """Overwrite the global commands with exactly this."""
    app = scene.discord.application_id
    route = Route("PUT", "/applications/{application_id}/commands", application_id=app)
    return await scene.bot.http.request(route, json=list(commands))


def command(**fields: Any) -> dict[str, Any]:
    """A command with a mistake in it."""
    return {"name": "paint", "description": "Paint"} | fields


def option(**fields: Any) -> dict[str, Any]:
    """An option with a mistake in it."""
    return {"type": 3, "name": "prompt", "description": "What"} | fields


def choices(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Choices."""
    return [{"name": str(index), "value": str(index)} | fields for index in range(count)]


def long_choices() -> list[dict[str, Any]]:
    """25 choices of 90 characters and more."""
    return [{"name": f"{index}", "value": f"{index:090}"} for index in range(25)]


MISTAKES: dict[str, list[dict[str, Any]]] = {
    "upper case": [command(name="Paint")],
    "space": [command(name="paint it")],
    "name too long": [command(name="x" * 33)],
    "no description": [command(description="")],
    "description too long": [command(description="x" * 101)],
    "translated name with a space": [command(name_localizations={"zh-CN": "画 画"})],
    "unknown language": [command(description_localizations={"xx": "x"})],
    "translation too long": [command(description_localizations={"zh-CN": "x" * 101})],
    "26 options": [command(options=[option(name=f"o{index}") for index in range(26)])],
    "26 choices": [command(options=[option(choices=choices(26))])],
    "choice too long": [command(options=[option(choices=choices(1, value="x" * 101))])],
    "choice of another type": [command(options=[option(type=4, choices=choices(1))])],
    "choices and completion": [command(options=[option(choices=choices(1), autocomplete=True)])],
    "completion of a switch": [command(options=[option(type=5, autocomplete=True)])],
    "same option twice": [command(options=[option(), option()])],
    "required after optional": [
        command(options=[option(name="a"), option(name="b", required=True)])
    ],
    "bounds on a text": [command(options=[option(min_value=1)])],
    "length of a number": [command(options=[option(type=4, max_length=5)])],
    "subcommand among options": [command(options=[option(), option(type=1, name="use")])],
    "same command twice": [command(), command()],
    "101 commands": [command(name=f"paint{index}") for index in range(101)],
    "8001 characters": [
        command(options=[option(name=f"o{index}", choices=long_choices()) for index in range(4)])
    ],
    "described menu": [command(type=3)],
    "unknown context": [command(contexts=[7])],
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("with_openapi", [True, False], ids=["openapi", "own rules"])
async def test_a_command_with_a_mistake(scene: Scene, mistake: str, with_openapi: bool) -> None:
    if not with_openapi:
        scene.discord.rest.openapi = None
    before = scene.discord.world.commands[None]
    with scene.discord.expecting(50035), pytest.raises(discord.HTTPException):
        await register(scene, *MISTAKES[mistake])
    assert scene.discord.world.commands[None] == before


async def test_ids_are_stable(scene: Scene) -> None:
    before = {each.name: each for each in await scene.bot.tree.fetch_commands()}
    await scene.bot.tree.sync()
    after = {each.name: each for each in await scene.bot.tree.fetch_commands()}
    assert {name: each.id for name, each in before.items()} == {
        name: each.id for name, each in after.items()
    }


async def test_only_changes_make_a_new_version(scene: Scene) -> None:
    first = await register(scene, command(), command(name="draw"))
    second = await register(scene, command(), command(name="draw", description="Draw"))
    assert [each["id"] for each in second] == [each["id"] for each in first]
    assert second[0]["version"] == first[0]["version"]
    assert second[1]["version"] != first[1]["version"]


async def test_chinese_names_and_translations_are_kept(scene: Scene) -> None:
    names = {"name_localizations": {"zh-CN": "画图"}}
    stored = await register(scene, command(**names), command(name="画"))
    assert stored[0]["name_localizations"] == {"zh-CN": "画图"}
    fetched = await scene.bot.http.get_global_commands(scene.discord.application_id)
    assert [each["name"] for each in fetched] == ["paint", "画"]


async def test_a_guild_has_commands_of_its_own(scene: Scene) -> None:
    home = discord.Object(scene.guild.id)

    @app_commands.command(name="imagine", description="Another")
    async def other(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("the guild's own")

    scene.bot.tree.add_command(other, guild=home)
    synced = await scene.bot.tree.sync(guild=home)
    assert [each.guild_id for each in synced] == [scene.guild.id]
    use = await scene.alice.slash(scene.art, "imagine")
    assert (await use.message()).content == "the guild's own"
    await synced[0].edit(description="Changed")
    await synced[0].delete()
    assert scene.discord.world.commands[scene.guild.id] == []
