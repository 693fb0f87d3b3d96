"""/settings: a panel of selects, and what each of them changes for members."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cogs.policy.server_settings import server_settings
from engine import SafetySettings
from tests.discord_server import Channel, Member, Message, Permissions, Role
from tests.discord_server.messages import walk
from tests.tiny.classifier import classifier

from tests.cogs.app import House, settings_line, told, told_after


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
        if part.get("custom_id") == f"atelier-setting:{what}"
    ]
    if "options" in select:
        return [option["value"] for option in select["options"] if option.get("default")]
    return [str(value["id"]) for value in select.get("default_values", [])]


async def pick(who: Member, message: Message, what: str, *values: str | Channel | Role) -> Message:
    """Pick in one of the panel's selects; the panel as it is then."""
    await who.select(message, *values, custom_id=f"atelier-setting:{what}")
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
        use = await manager.select(board, "2", custom_id="atelier-setting:pace")
        assert await told_after(use) == refusal
        await house.painted(house.alice, count=3)


async def turned(who: Member, board: Message, page: str) -> Message:
    """The panel, turned to that page."""
    [button] = [b for b in board.buttons if b["custom_id"] == f"atelier-settings-page:{page}"]
    if not button.get("disabled"):
        await who.click(board, custom_id=button["custom_id"])
    return board


async def give(who: Member, board: Message, role: Role, value: str) -> Message:
    """Give the members of a role so many pictures an hour."""
    await pick(who, await turned(who, board, "roles"), "role", role)
    assert chosen(board, "role") == [str(role.id)]
    return await pick(who, board, f"rolepace:{role.id}", value)


async def test_a_size_is_chosen_for_the_model_that_paints(house: House, manager: Member) -> None:
    async with house.open():
        board = await panel(house, manager)
        assert chosen(board, "size:tiny") == ["owner"]
        await pick(manager, board, "size:tiny", "80x56")
        assert chosen(board, "size:tiny") == ["80x56"]
        assert settings_line(await house.painted(house.alice))[1] == "80×56"
        await pick(manager, board, "size:tiny", "owner")
        assert settings_line(await house.painted(house.alice))[1] == "64×64"
        assert (await told(await manager.slash(house.art, "audit"))).count("size") == 2


async def test_roles_get_more_or_fewer_but_never_more_than_the_owner_gives(
    house: House, manager: Member
) -> None:
    patron, novice, friend = (house.guild.add_role(x) for x in ("patron", "novice", "friend"))
    pat, nia = (
        house.guild.add_member(name, roles=[role])
        for name, role in (("pat", patron), ("nia", novice))
    )
    fay = house.guild.add_member("fay", roles=[novice, friend])
    limits = {"pictures_per_hour": 5, "roles": {patron.id: {"pictures_per_hour": 8}}}
    async with house.open(limits=limits):
        board = await panel(house, manager)
        await pick(manager, board, "pace", "2")
        await give(manager, board, novice, "1")
        await give(manager, board, friend, "1000000000")
        await give(manager, board, patron, "5")
        assert f"<@&{novice.id}>: 1 picture\n" in board.text()
        assert f"<@&{friend.id}>: As many as the owner gives" in board.text()
    async with house.open(limits=limits):
        for who, count, most in ((house.alice, 3, 2), (nia, 2, 1)):
            text = await told(await who.slash(house.art, "imagine", prompt="x", count=count))
            assert text == f"You asked for {count} pictures; you may have {most} an hour."
        for who, most in ((fay, 5), (pat, 5)):
            await house.painted(who, count=4)
            text = await told(await who.slash(house.art, "imagine", prompt="x", count=2))
            assert text.startswith(f"You asked for 2; of your {most} pictures an hour 1 are left.")
        await give(manager, board, novice, "owner")
        await house.painted(nia, count=2)
        assert str(novice.id) not in board.text()
        lines = (await told(await manager.slash(house.art, "audit"))).splitlines()
        assert f"gave <@&{novice.id}> as many pictures an hour as all members" in lines[0]
        assert f"gave <@&{novice.id}> 1 picture an hour" in lines[3]


async def test_a_number_for_everybody_is_not_one_for_a_role(house: House, manager: Member) -> None:
    gone = house.guild.add_role("gone")
    async with house.open():
        board = await turned(manager, await panel(house, manager), "roles")
        use = await manager.select(board, house.guild.everyone, custom_id="atelier-setting:role")
        assert (await told(use)).startswith("Everybody has that role")
        await pick(manager, board, "role", gone)
    del house.guild.roles[gone.id]
    async with house.open():
        use = await manager.select(board, "5", custom_id=f"atelier-setting:rolepace:{gone.id}")
        assert await told(use) == "This role is gone: choose another."


async def test_what_two_managers_choose_at_once_holds_both(house: House, manager: Member) -> None:
    other = house.guild.add_member("other", permissions=Permissions(manage_guild=True))
    den, attic = house.guild.add_channel("den"), house.guild.add_channel("attic")
    async with house.open():
        mine, theirs = await panel(house, manager), await panel(house, other)
        await asyncio.gather(
            pick(manager, mine, "channels", house.art, den),
            pick(other, theirs, "channels", attic),
            pick(other, await panel(house, other), "pace", "5"),
        )
        board = await panel(house, manager)
        assert set(chosen(board, "channels")) == {str(c.id) for c in (house.art, den, attic)}
        assert chosen(board, "pace") == ["5"]
        await pick(other, theirs, "channels", attic)  # since then it shows all three
        assert chosen(await panel(house, manager), "channels") == [str(attic.id)]


async def test_gallery_moderators_and_language_have_a_page(house: House, manager: Member) -> None:
    hall, desk = house.guild.add_channel("hall"), house.guild.add_channel("desk")
    hidden = house.guild.add_channel("hidden")
    hidden.deny_bot("send_messages")
    async with house.open() as bot:
        board = await turned(manager, await panel(house, manager), "order")
        await pick(manager, board, "gallery", hall)
        await pick(manager, board, "reviews", desk)
        await pick(manager, board, "language", "zh_CN")
        use = await manager.select(board, hidden, custom_id="atelier-setting:reviews")
        assert await told(use) == (
            f"I cannot write in <#{hidden.id}>: I lack Send Messages. Somebody who manages it can "
            "change that in the channel's permissions."
        )
        settings = await server_settings(bot.studio, f"guild:{house.guild.id}")
        assert (settings.review_channel, settings.language) == (desk.id, "zh_CN")
    async with house.open():
        await turned(manager, await turned(manager, board, "painting"), "order")
        assert chosen(board, "gallery") == [str(hall.id)]
        assert chosen(board, "reviews") == [str(desk.id)]
        assert chosen(board, "language") == ["zh_CN"]
        for what in ("gallery", "reviews"):
            assert chosen(await pick(manager, board, what), what) == []
        manager.roles.clear()
        use = await manager.click(board, custom_id="atelier-settings-page:painting")
        assert (await told(use)).startswith("That needs the permission Manage Server")


@pytest.mark.parametrize("may_be_shown", [False, True])
async def test_what_becomes_of_unsafe_pictures_is_chosen_where_a_classifier_tells(
    house: House, manager: Member, tmp_path: Path, may_be_shown: bool
) -> None:
    async with house.open():
        board = await turned(manager, await panel(house, manager), "order")
        assert "classifier" not in board.text()
    house.safety = SafetySettings(classifier=str(classifier(tmp_path, "all")))
    async with house.open(unsafe_may_be_shown=may_be_shown) as bot:
        board = await turned(manager, await turned(manager, board, "painting"), "order")
        assert chosen(board, "nsfw") == ["owner"]
        [select] = [s for s in board.selects if s["custom_id"] == "atelier-setting:nsfw"]
        values = [option["value"] for option in select["options"]]
        assert values == ["owner", "spoiler", "withhold", *(["off"] if may_be_shown else [])]
        await pick(manager, board, "nsfw", values[-1])
        settings = await server_settings(bot.studio, f"guild:{house.guild.id}")
        assert (settings.nsfw, chosen(board, "nsfw")) == (values[-1], values[-1:])
        message = await house.painted(house.alice)
        assert bool(message.attachments) == may_be_shown
        lines = await told(await manager.slash(house.art, "audit"))
        assert f"had unsafe pictures {'shown' if may_be_shown else 'withheld'}" in lines


async def test_a_channel_that_is_gone_is_not_offered_and_nobody_paints_elsewhere_instead(
    house: House, manager: Member
) -> None:
    den, hall = house.guild.add_channel("den"), house.guild.add_channel("hall")
    async with house.open():
        board = await pick(manager, await panel(house, manager), "channels", den)
        await pick(manager, await turned(manager, board, "order"), "gallery", hall)
        for channel in (den, hall):
            house.guild.remove_channel(channel)
        await turned(manager, board, "painting")
        assert chosen(board, "channels") == []
        assert "Nowhere: the channels are gone" in [s.get("placeholder") for s in board.selects]
        assert chosen(await turned(manager, board, "order"), "gallery") == []
        text = await told(await house.alice.slash(house.art, "imagine", prompt="x"))
        assert text.startswith("This server wants its pictures elsewhere")
        await turned(manager, board, "painting")
        await pick(manager, board, "channels", house.art)
        await house.painted(house.alice)
