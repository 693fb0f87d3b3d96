"""A person can do what their client lets them, and nothing else."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord import ui

from tests.discord_server import ClientRefuses, Permissions, Upload

from .conftest import Scene
from .painter_bot import Interaction


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "required"),
        ({"prompt": "x", "nonsense": 1}, "no option"),
        ({"prompt": 5}, "is a text"),
        ({"prompt": ""}, "1 to 200 characters"),
        ({"prompt": "x" * 201}, "1 to 200 characters"),
        ({"prompt": "x", "count": 5}, "from 1 to 4"),
        ({"prompt": "x", "count": 1.5}, "is a number"),
        ({"prompt": "x", "count": True}, "is a number"),
        ({"prompt": "x", "start": "a.png"}, "does not take"),
    ],
)
async def test_options_are_checked(scene: Scene, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientRefuses, match=reason):
        await scene.alice.slash(scene.art, "imagine", **options)


async def test_commands_are_offered_where_they_may_be_used(scene: Scene) -> None:
    with pytest.raises(ClientRefuses, match="there is no command 'paint'"):
        await scene.alice.slash(scene.art, "paint")
    with pytest.raises(ClientRefuses, match="needs a subcommand"):
        await scene.guild.add_member("m", permissions=Permissions.all()).slash(scene.art, "model")
    with pytest.raises(ClientRefuses, match="lack the permissions"):
        await scene.alice.slash(scene.art, "model use", name="x")
    manager = scene.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    use = await manager.slash(scene.art, "model use", name="x")
    assert (await use.message()).ephemeral
    with pytest.raises(ClientRefuses, match="not for this context"):
        await manager.slash(manager.dm, "model use", name="x")
    names = {command["name"] for command in scene.alice.commands(scene.art)}
    assert names == {"act", "imagine", "Paint from this", "Greet"}


async def test_channels_they_do_not_see(scene: Scene) -> None:
    hidden = Permissions(view_channel=True)
    scene.art.overwrite(scene.guild.everyone, deny=hidden)
    scene.art.overwrite(scene.bob, allow=hidden)
    with pytest.raises(ClientRefuses):
        await scene.alice.slash(scene.art, "imagine", prompt="x")
    with pytest.raises(ClientRefuses):
        await scene.alice.say(scene.art, "x")
    await scene.bob.slash(scene.art, "imagine", prompt="x")
    assert scene.art.seen_by(scene.alice) == []


async def test_buttons_they_cannot_press(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        view = ui.View()
        view.add_item(ui.Button(label="Off", custom_id="off", disabled=True))
        view.add_item(ui.Button(label="Link", url="https://example.com"))
        view.add_item(ui.Button(label="On", custom_id="on"))
        await interaction.response.send_message("x", view=view, ephemeral=True)

    message = await (await scene.alice.slash(scene.art, "act")).message()
    for label, reason in (("Off", "disabled"), ("Link", "is a link"), ("No", "0 components")):
        with pytest.raises(ClientRefuses, match=reason):
            await scene.alice.click(message, label=label)
    with pytest.raises(ClientRefuses, match="does not see"):
        await scene.bob.click(message, label="On")
    await scene.art.delete(message)
    with pytest.raises(ClientRefuses, match="does not see"):
        await scene.alice.click(message, label="On")


async def test_modals_they_cannot_send(scene: Scene) -> None:
    class Long(ui.Modal, title="Long"):
        text: ui.Label[Any] = ui.Label(
            text="Text", component=ui.TextInput(custom_id="t", min_length=2, max_length=3)
        )

        async def on_submit(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message("thanks")

    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_modal(Long())

    modal = await (await scene.alice.slash(scene.art, "act")).modal()
    for values, reason in (
        ({}, "required"),
        ({"Text": "x"}, "2 to 3"),
        ({"Text": "xxxx"}, "2 to 3"),
        ({"Other": "xx"}, "no field"),
    ):
        with pytest.raises(ClientRefuses, match=reason):
            await scene.alice.submit(modal, values)
    with pytest.raises(ClientRefuses, match="in front of alice"):
        await scene.bob.submit(modal, {"Text": "xx"})
    await scene.alice.submit(modal, {"Text": "xx"})
    with pytest.raises(ClientRefuses, match="gone"):
        await scene.alice.submit(modal, {"Text": "xx"})


async def test_completion_only_where_there_is_some(scene: Scene) -> None:
    with pytest.raises(ClientRefuses, match="does not complete"):
        await scene.alice.autocomplete(scene.art, "imagine", "prompt", "x")


async def test_uploads_reach_the_cdn(scene: Scene) -> None:
    said = await scene.alice.say(scene.art, files=[Upload("a b.txt", b"hello")])
    channel = scene.bot.get_partial_messageable(scene.art.id)
    message = await channel.fetch_message(said.id)
    assert message.attachments == []
    data = await scene.bot.http.get_from_cdn(said.attachments[0].url)
    assert data == b"hello"
