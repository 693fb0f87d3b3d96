"""Personal installs and places without the bot: what Discord tells there, gives and refuses."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord.http import Route

from tests.discord_server import Channel, ClientRefuses, Member, Permissions

from .conftest import Scene
from .painter_bot import Interaction


@pytest.fixture
def abroad(scene: Scene) -> tuple[Member, Channel]:
    """Alice, who has the app for herself, in a guild that does not have it."""
    guild = scene.discord.add_guild("Abroad", joined=False)
    scene.alice.user.installed = True
    return guild.add_member("alice"), guild.add_channel("square")


@pytest.mark.parametrize("where", ["abroad", "at home"])
async def test_five_follow_ups_where_only_the_person_has_the_app(
    scene: Scene, abroad: tuple[Member, Channel], where: str
) -> None:
    codes: list[int] = []

    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("0")
        for number in range(1, 7):
            try:
                await interaction.followup.send(str(number), wait=True)
            except discord.HTTPException as error:
                codes.append(error.code)
        await interaction.edit_original_response(content="done")

    who, channel = abroad if where == "abroad" else (scene.alice, scene.art)
    with scene.discord.expecting(40094, at_least=0):
        use = await who.slash(channel, "act")
        message = await use.message()
        await scene.discord.until(lambda: message.content == "done", 20)
    assert codes == ([40094] if where == "abroad" else [])
    assert len(use.followups) == (5 if where == "abroad" else 6)


async def test_what_an_interaction_tells_of_its_place(
    scene: Scene, abroad: tuple[Member, Channel]
) -> None:
    told: list[tuple[list[Any], dict[int, Any], int]] = []

    @scene.act
    async def script(interaction: Interaction) -> None:
        may = interaction.app_permissions.value
        told.append((interaction.context.to_array(), interaction._integration_owners, may))
        await interaction.response.send_message("hello")

    alice, square = abroad
    friends = scene.discord.add_group("friends", scene.alice, scene.bob)
    for who, where in (
        (scene.alice, scene.art),
        (scene.bob, scene.art),
        (alice, square),
        (scene.alice, scene.alice.dm),
        (scene.alice, friends),
    ):
        await who.slash(where, "act")
    among = Permissions(attach_files=True, embed_links=True, mention_everyone=True)
    direct = among | Permissions(use_external_emojis=True)
    me = alice.user.id
    assert [(context, owners) for context, owners, _ in told] == [
        ([0], {0: scene.guild.id, 1: me}),
        ([0], {0: scene.guild.id}),
        ([0], {1: me}),
        ([1], {0: 0, 1: me}),
        ([2], {1: me}),
    ]
    assert [may for *_, may in told[3:]] == [direct.value, among.value]
    for where in (friends, square):
        with pytest.raises(ClientRefuses):
            await scene.bob.slash(where, "act")


async def test_the_bot_reaches_nothing_there_by_itself(
    scene: Scene, abroad: tuple[Member, Channel]
) -> None:
    friends = scene.discord.add_group("friends", scene.alice, scene.bob)
    with scene.discord.expecting(50001, at_least=2):
        for channel in (abroad[1], friends):
            with pytest.raises(discord.Forbidden):
                await scene.bot.get_partial_messageable(channel.id).send("hello")


async def test_only_the_token_edits_what_is_ephemeral(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("for you", ephemeral=True)

    message = await (await scene.alice.slash(scene.art, "act")).message()
    assert not scene.bob.sees(message)
    there = scene.bot.get_partial_messageable(scene.art.id).get_partial_message(message.id)
    with scene.discord.expecting(10008), pytest.raises(discord.NotFound):
        await there.edit(content="for all")


async def test_who_may_not_speak_by_apps_is_answered_alone(
    scene: Scene, abroad: tuple[Member, Channel]
) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("hello")

    alice, square = abroad
    assert not (await (await alice.slash(square, "act")).message()).ephemeral
    square.overwrite(alice.guild.everyone, deny=Permissions(use_external_apps=True))
    assert (await (await alice.slash(square, "act")).message()).ephemeral


async def test_strangers_cannot_be_written_to(scene: Scene) -> None:
    stranger = scene.discord.add_guild("Abroad", joined=False).add_member("stranger")
    channel = await scene.bot.create_dm(discord.Object(stranger.user.id))
    with scene.discord.expecting(50278), pytest.raises(discord.Forbidden):
        await channel.send("hello")
    stranger.user.installed = True
    await channel.send("hello")
    assert [message.content for message in stranger.dm.messages] == ["hello"]


async def test_commands_are_for_what_the_application_can_be_installed_for(scene: Scene) -> None:
    scene.discord.world.installs = (0,)
    command = {"name": "x", "description": "x", "type": 1}
    for route, more in (
        (_commands(scene), {"integration_types": [0, 1]}),
        (_commands(scene, scene.guild.id), {"contexts": [0, 1]}),
    ):
        with scene.discord.expecting(50035), pytest.raises(discord.HTTPException):
            await scene.bot.http.request(route, json=[command | more])
    await scene.bot.tree.sync()
    stored = scene.discord.world.commands[None]
    assert all(each["integration_types"] == [0] for each in stored)


def _commands(scene: Scene, guild: int | None = None) -> Route:
    place = f"/guilds/{guild}" if guild else ""
    return Route("PUT", f"/applications/{scene.discord.application_id}{place}/commands")
