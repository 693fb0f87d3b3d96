"""What Discord refuses, this server refuses, in the same words; unexpected refusals fail."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
from discord import ui
from discord.http import Route

from tests.discord_server import DiscordServer, Permissions

from .conftest import Scene
from .painter_bot import Interaction, PainterBot, file, running

BIG = b"\0" * (10 * 1024 * 1024 + 1)


async def send(scene: Scene, body: dict[str, Any]) -> Any:
    """POST a message as it is."""
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=scene.art.id)
    return await scene.bot.http.request(route, json=body)


def button(**fields: Any) -> dict[str, Any]:
    """A button with a mistake in it."""
    return {"type": 2, "style": 1, "label": "x", "custom_id": "x"} | fields


def row(*parts: dict[str, Any]) -> dict[str, Any]:
    """A row of components."""
    return {"type": 1, "components": list(parts)}


def texts(count: int, content: str = "x") -> list[dict[str, Any]]:
    """Text displays."""
    return [{"type": 10, "content": content} for _ in range(count)]


def menu(count: int, **fields: Any) -> dict[str, Any]:
    """A string select."""
    options = [{"label": str(index), "value": str(index)} for index in range(count)]
    return {"type": 3, "custom_id": "menu", "options": options} | fields


V2 = 1 << 15
MISTAKES: dict[str, dict[str, Any]] = {
    "content too long": {"content": "x" * 2001},
    "content not a text": {"content": ["x"]},
    "too many embeds": {"embeds": [{"title": "x"}] * 11},
    "embed too long": {"embeds": [{"description": "x" * 4096}] * 2},
    "embed title too long": {"embeds": [{"title": "x" * 257}]},
    "embed empty": {"embeds": [{"color": 1}]},
    "mentions both ways": {"content": "x", "allowed_mentions": {"parse": ["users"], "users": [1]}},
    "six rows": {"content": "x", "components": [row(button(custom_id=str(i))) for i in range(6)]},
    "six buttons": {
        "content": "x",
        "components": [row(*(button(custom_id=str(i)) for i in range(6)))],
    },
    "same custom_id twice": {"content": "x", "components": [row(button(), button())]},
    "custom_id too long": {"content": "x", "components": [row(button(custom_id="x" * 101))]},
    "label too long": {"content": "x", "components": [row(button(label="x" * 81))]},
    "nothing on a button": {"content": "x", "components": [row(button(label=None))]},
    "link without url": {"content": "x", "components": [row(button(style=5, custom_id=None))]},
    "not an emoji": {"content": "x", "components": [row(button(emoji={"name": "house"}))]},
    "button and menu in a row": {"content": "x", "components": [row(button(), menu(2))]},
    "26 options": {"content": "x", "components": [row(menu(26))]},
    "no options": {"content": "x", "components": [row(menu(0))]},
    "more values than options": {"content": "x", "components": [row(menu(2, max_values=3))]},
    "layout without the flag": {"components": texts(1)},
    "layout with content": {"flags": V2, "content": "x", "components": texts(1)},
    "layout with embeds": {"flags": V2, "embeds": [{"title": "x"}], "components": texts(1)},
    "41 components": {"flags": V2, "components": [{"type": 17, "components": texts(40)}]},
    "4001 characters": {"flags": V2, "components": texts(3, "x" * 1334)},
    "empty gallery": {"flags": V2, "components": [{"type": 12, "items": []}]},
    "11 pictures": {
        "flags": V2,
        "components": [{"type": 12, "items": [{"media": {"url": "https://a.b/c"}}] * 11}],
    },
    "no such attachment": {
        "flags": V2,
        "components": [{"type": 12, "items": [{"media": {"url": "attachment://x.png"}}]}],
    },
    "button outside a row": {"flags": V2, "components": [button()]},
    "section without accessory": {
        "flags": V2,
        "components": [{"type": 9, "components": texts(1)}],
    },
    "attachment that is not there": {"content": "x", "attachments": [{"id": "0"}]},
    "reply to nothing": {"content": "x", "message_reference": {"message_id": "1"}},
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("with_openapi", [True, False], ids=["openapi", "own rules"])
async def test_a_body_with_a_mistake(scene: Scene, mistake: str, with_openapi: bool) -> None:
    if not with_openapi:
        scene.discord.rest.openapi = None
    with (
        scene.discord.expecting(50035) as expected,
        pytest.raises(discord.HTTPException, match="Invalid Form Body"),
    ):
        await send(scene, MISTAKES[mistake])
    assert len(expected.seen) == 1
    assert scene.art.messages == []


async def test_bodies_at_the_limit_pass(scene: Scene) -> None:
    rows = [row(*(button(custom_id=f"{r}{b}") for b in range(5))) for r in range(5)]
    await send(scene, {"content": "x" * 2000, "components": rows})
    await send(scene, {"flags": V2, "components": [{"type": 17, "components": texts(39)}]})
    await send(scene, {"flags": V2, "components": texts(4, "x" * 1000)})
    await send(scene, {"embeds": [{"description": "x" * 3000}] * 2})
    assert len(scene.art.messages) == 4


async def test_an_empty_message(scene: Scene) -> None:
    with scene.discord.expecting(50006), pytest.raises(discord.HTTPException, match="empty"):
        await send(scene, {"content": ""})


async def test_too_large_an_upload(scene: Scene) -> None:
    channel = await scene.bot.fetch_channel(scene.art.id)
    assert isinstance(channel, discord.TextChannel)
    with scene.discord.expecting(40005), pytest.raises(discord.HTTPException) as caught:
        await channel.send(file=file("big.bin", BIG))
    assert caught.value.status == 413
    scene.guild.attachment_size_limit = 25 * 1024 * 1024
    await channel.send(file=file("big.bin", BIG))
    assert len(scene.art.messages) == 1


@pytest.mark.parametrize(
    ("denied", "code"),
    [("send_messages", 50013), ("attach_files", 50013), ("view_channel", 50001)],
)
async def test_what_the_bot_may_not(scene: Scene, denied: str, code: int) -> None:
    channel = scene.bot.get_partial_messageable(scene.art.id)
    scene.art.deny_bot(denied)
    with scene.discord.expecting(code), pytest.raises(discord.Forbidden):
        await channel.send("x", file=file())

    @scene.act
    async def script(interaction: Interaction) -> None:
        assert not getattr(interaction.app_permissions, denied)
        await interaction.response.send_message("x", file=file())

    use = await scene.alice.slash(scene.art, "act")
    assert (await use.message()).attachments


async def test_messages_of_others(scene: Scene) -> None:
    said = await scene.bob.say(scene.art, "mine")
    message = scene.bot.get_partial_messageable(scene.art.id).get_partial_message(said.id)
    with scene.discord.expecting(50005), pytest.raises(discord.Forbidden):
        await message.edit(content="yours")
    with scene.discord.expecting(50013), pytest.raises(discord.Forbidden):
        await message.delete()


async def test_ephemeral_answers_cannot_be_edited_as_the_bot(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("x", ephemeral=True)

    message = await (await scene.alice.slash(scene.art, "act")).message()
    channel = scene.bot.get_partial_messageable(scene.art.id)
    with scene.discord.expecting(10008), pytest.raises(discord.NotFound):
        await channel.get_partial_message(message.id).edit(content="y")


async def test_what_was_deleted_behind_its_back_is_no_violation(scene: Scene) -> None:
    channel = scene.bot.get_partial_messageable(scene.art.id)
    message = await channel.send("x")
    await scene.art.delete(scene.art.messages[0])
    with pytest.raises(discord.NotFound, match="Unknown Message"):
        await message.edit(content="y")
    scene.guild.remove_channel(scene.art)
    with pytest.raises(discord.NotFound, match="Unknown Channel"):
        await channel.send("z")


async def test_acknowledging_twice(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.defer()
        interaction.response._response_type = None
        with pytest.raises(discord.HTTPException) as caught:
            await interaction.response.send_message("another answer")
        assert caught.value.code == 40060
        await interaction.edit_original_response(content="x")

    with scene.discord.expecting(40060):
        await (await scene.alice.slash(scene.art, "act")).message()


async def test_acknowledging_too_late(scene: Scene) -> None:
    refused = asyncio.Event()

    @scene.act
    async def script(interaction: Interaction) -> None:
        await asyncio.sleep(1.1)
        with pytest.raises(discord.NotFound, match="Unknown interaction"):
            await interaction.response.defer()
        refused.set()

    with scene.discord.expecting(10062, at_least=2) as expected:
        use = await scene.alice.slash(scene.art, "act")
        assert use.failed == "The application did not respond"
        await refused.wait()
    assert expected.seen[0] == "/act: interaction not acknowledged within 1 s"


async def test_follow_ups_before_the_answer(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        with pytest.raises(discord.NotFound, match="Unknown Webhook"):
            await interaction.followup.send("x")
        await interaction.response.send_message("y")

    with scene.discord.expecting(10015):
        await scene.alice.slash(scene.art, "act")


async def test_tokens_expire(scene: Scene) -> None:
    kept: list[Interaction] = []

    @scene.act
    async def script(interaction: Interaction) -> None:
        kept.append(interaction)
        await interaction.response.send_message("x")

    message = await (await scene.alice.slash(scene.art, "act")).message()
    scene.discord.expire_tokens()
    with pytest.raises(discord.HTTPException) as caught:
        await kept[0].edit_original_response(content="y")
    assert (caught.value.status, caught.value.code) == (401, 50027)
    channel = scene.bot.get_partial_messageable(scene.art.id)
    await channel.get_partial_message(message.id).edit(content="z")
    assert message.content == "z"


async def test_a_layout_stays_a_layout(scene: Scene) -> None:
    sent = await send(scene, {"flags": V2, "components": texts(1)})
    path = "/channels/{channel_id}/messages/{message_id}"
    route = Route("PATCH", path, channel_id=scene.art.id, message_id=sent["id"])
    for body in ({"content": "x"}, {"flags": 0}):
        with scene.discord.expecting(50035), pytest.raises(discord.HTTPException):
            await scene.bot.http.request(route, json=body)


async def test_too_many_choices(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        view = ui.View()
        view.add_item(ui.Button(label="x", custom_id="x"))
        await interaction.response.send_message("x", view=view)

    async def pressed(interaction: Interaction) -> None:
        route = Route(
            "POST",
            "/interactions/{id}/{token}/callback",
            id=interaction.id,
            token=interaction.token,
        )
        choices = [{"name": str(index), "value": str(index)} for index in range(26)]
        for body in ({"type": 8, "data": {"choices": choices}}, {"type": 9, "data": {}}):
            with pytest.raises(discord.HTTPException):
                await interaction.client.http.request(route, json=body)
        await interaction.response.defer()

    scene.bot.pressed = pressed
    message = await (await scene.alice.slash(scene.art, "act")).message()
    with scene.discord.expecting(50035, at_least=2):
        await scene.alice.click(message, label="x")


async def test_modals_have_limits(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        for modal in (ui.Modal(title="x" * 46), ui.Modal(title="empty")):
            with pytest.raises(discord.HTTPException):
                await interaction.response.send_modal(modal)
        await interaction.response.send_message("x")

    with scene.discord.expecting(50035, at_least=2):
        await scene.alice.slash(scene.art, "act")


async def test_unknown_routes_fail_the_test(scene: Scene) -> None:
    with scene.discord.expecting(404) as expected, pytest.raises(discord.NotFound):
        await scene.bot.http.request(Route("GET", "/gateway/robot"))
    assert "GET /gateway/robot" in expected.seen[0]


async def test_a_wrong_token() -> None:
    async with DiscordServer() as server:
        with server.expecting(401):
            bot = PainterBot()
            before, Route.BASE = Route.BASE, server.api_url
            try:
                with pytest.raises(discord.LoginFailure):
                    await bot.login("not the token")
            finally:
                Route.BASE = before
                await bot.close()


async def test_leaving_with_violations_fails() -> None:
    server = DiscordServer()
    await server.start()
    art = server.add_guild("Painters").add_channel("art")
    art.deny_bot("send_messages")
    async with running(server) as bot:
        with pytest.raises(discord.Forbidden):
            await bot.get_partial_messageable(art.id).send("x")
    with pytest.raises(AssertionError, match=f"{art.id}.*Missing Permissions"):
        await server.__aexit__(None, None, None)


async def test_permissions_come_from_roles(scene: Scene) -> None:
    vip = scene.guild.add_role("vip", Permissions(manage_messages=True))
    carol = scene.guild.add_member("carol", roles=[vip], permissions=Permissions(kick_members=True))
    assert carol.permissions.manage_messages
    assert carol.permissions.kick_members
    assert not scene.alice.permissions.manage_messages
