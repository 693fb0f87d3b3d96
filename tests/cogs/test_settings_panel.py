"""/settings: a panel of selects, and what each of them changes for members."""

from __future__ import annotations

import pytest

from tests.discord_server import Channel, Member, Message, Permissions
from tests.discord_server.messages import walk

from .house import House, settings_line, told, told_after


@pytest.fixture
def manager(house: House) -> Member:
    """Somebody with Manage Server."""
    return house.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def panel(house: House, who: Member) -> Message:
    """Open the panel."""
    message = await (await who.slash(house.art, "settings")).message()
    assert message.ephemeral
    return message


def chosen(message: Message, what: str) -> list[str]:
    """What a select of the panel shows as chosen."""
    [select] = [
        part
        for part in walk(message.components)
        if part.get("custom_id") == f"atelier-settings:{what}"
    ]
    if "options" in select:
        return [option["value"] for option in select["options"] if option.get("default")]
    return [str(value["id"]) for value in select.get("default_values", [])]


async def pick(who: Member, message: Message, what: str, *values: str | Channel) -> Message:
    """Pick in one of the panel's selects; the panel as it is then."""
    await who.select(message, *values, custom_id=f"atelier-settings:{what}")
    return message


async def test_members_paint_only_in_the_channels_that_were_chosen(
    house: House, manager: Member
) -> None:
    den = house.guild.add_channel("den")
    thread = house.guild.add_channel("sketches", kind="thread", parent=den)
    async with house.open():
        message = await house.painted(house.alice)
        board = await pick(manager, await panel(house, manager), "channels", den)
        assert chosen(board, "channels") == [str(den.id)]
        sentence = f"This server wants its pictures elsewhere: paint in <#{den.id}>."
        assert await told(await house.alice.slash(house.art, "imagine", prompt="x")) == sentence
        use = await house.alice.click(message, label="Again")
        assert await told_after(use) == sentence
        await house.painted(house.alice, where=den)
        await house.painted(house.alice, where=thread)
        assert chosen(await pick(manager, board, "channels"), "channels") == []
        await house.painted(house.alice)


async def test_the_servers_model_is_chosen_from_those_that_are_allowed(
    house: House, manager: Member
) -> None:
    async with house.open():
        await manager.slash(house.art, "model allow", names="tiny, other")
        board = await panel(house, manager)
        assert chosen(board, "model") == ["tiny"]
        await pick(manager, board, "model", "other")
        await house.discord.until(lambda: chosen(board, "model") == ["other"])
        assert settings_line(await house.painted(house.alice))[0] == "other"


async def test_a_server_gives_its_members_less_but_not_a_role_that_the_owner_favours(
    house: House, manager: Member
) -> None:
    patron = house.guild.add_role("patron")
    pat = house.guild.add_member("pat", roles=[patron])
    limits = {"pictures_per_hour": 5, "roles": {patron.id: {"pictures_per_hour": 9}}}
    async with house.open(limits=limits):
        board = await panel(house, manager)
        assert chosen(board, "pace") == ["owner"]
        await pick(manager, board, "pace", "2")
        assert chosen(board, "pace") == ["2"]
        text = await told(await house.alice.slash(house.art, "imagine", prompt="x", count=3))
        assert text == "You asked for 3 pictures; you may have 2 an hour."
        await house.painted(pat, count=3)
        await pick(manager, board, "pace", "owner")
        await house.painted(house.alice, count=3)


async def test_what_was_chosen_outlives_a_restart_and_so_does_the_panel(
    house: House, manager: Member
) -> None:
    async with house.open():
        board = await pick(manager, await panel(house, manager), "pace", "10")
    async with house.open():
        assert chosen(await pick(manager, board, "channels", house.art), "pace") == ["10"]
        assert chosen(await panel(house, manager), "channels") == [str(house.art.id)]


async def test_a_limit_that_the_owner_lowered_since_holds(house: House, manager: Member) -> None:
    async with house.open(limits={"pictures_per_hour": 100}):
        await pick(manager, await panel(house, manager), "pace", "50")
    async with house.open(limits={"pictures_per_hour": 3}):
        assert chosen(await panel(house, manager), "pace") == ["50"]
        text = await told(await house.alice.slash(house.art, "imagine", prompt="x", count=4))
        assert text == "You asked for 4 pictures; you may have 3 an hour."


async def test_it_is_for_managers_even_when_they_are_no_longer(
    house: House, manager: Member
) -> None:
    async with house.open():
        refusal = "That needs the permission Manage Server, or a role that the owner named."
        assert await told(await house.alice.slash(house.art, "settings")) == refusal
        board = await panel(house, manager)
        manager.roles.clear()
        use = await manager.select(board, "2", custom_id="atelier-settings:pace")
        assert await told_after(use) == refusal
        await house.painted(house.alice, count=3)
