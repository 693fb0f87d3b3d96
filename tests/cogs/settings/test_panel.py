"""/settings: a panel of selects, and what each of them changes for members."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cogs.policy.server_settings import server_settings
from engine import SafetySettings
from tests.cogs.app import App, settings_line, told, told_after
from tests.discord_server import Channel, Member, Message, Permissions, Role
from tests.discord_server.messages import walk
from tests.tiny.classifier import classifier


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def panel(app: App, who: Member) -> Message:
    """Open the panel."""
    message = await (await who.slash(app.art, "settings")).message()
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
    app: App, manager: Member
) -> None:
    den = app.guild.add_channel("den")
    thread = app.guild.add_channel("sketches", kind="thread", parent=den)
    async with app.open():
        message = await app.painted(app.alice)
        settings_panel = await pick(manager, await panel(app, manager), "channels", den)
        assert chosen(settings_panel, "channels") == [str(den.id)]
        sentence = f"This server only allows painting in <#{den.id}>."
        assert await told(await app.alice.slash(app.art, "imagine", prompt="x")) == sentence
        use = await app.alice.click(message, label="Again")
        assert await told_after(use) == sentence
        await app.painted(app.alice, where=den)
        await app.painted(app.alice, where=thread)
        assert chosen(await pick(manager, settings_panel, "channels"), "channels") == []
        await app.painted(app.alice)


async def test_the_servers_model_is_chosen_from_those_that_are_allowed(
    app: App, manager: Member
) -> None:
    async with app.open():
        await manager.slash(app.art, "model allow", names="tiny, other")
        settings_panel = await panel(app, manager)
        assert chosen(settings_panel, "model") == ["tiny"]
        await pick(manager, settings_panel, "model", "other")
        await app.discord.until(lambda: chosen(settings_panel, "model") == ["other"])
        assert settings_line(await app.painted(app.alice))[0] == "other"


async def test_a_server_gives_its_members_less_but_not_a_role_that_the_owner_favours(
    app: App, manager: Member
) -> None:
    patron = app.guild.add_role("patron")
    pat = app.guild.add_member("pat", roles=[patron])
    limits = {"pictures_per_hour": 5, "roles": {patron.id: {"pictures_per_hour": 9}}}
    async with app.open(limits=limits):
        settings_panel = await panel(app, manager)
        assert chosen(settings_panel, "pace") == ["owner"]
        await pick(manager, settings_panel, "pace", "2")
        assert chosen(settings_panel, "pace") == ["2"]
        text = await told(await app.alice.slash(app.art, "imagine", prompt="x", count=3))
        assert text == "You asked for 3 pictures, but your limit is 2 an hour."
        await app.painted(pat, count=3)
        await pick(manager, settings_panel, "pace", "owner")
        await app.painted(app.alice, count=3)


async def test_what_was_chosen_outlives_a_restart_and_so_does_the_panel(
    app: App, manager: Member
) -> None:
    async with app.open():
        settings_panel = await pick(manager, await panel(app, manager), "pace", "10")
    async with app.open():
        assert chosen(await pick(manager, settings_panel, "channels", app.art), "pace") == ["10"]
        assert chosen(await panel(app, manager), "channels") == [str(app.art.id)]


async def test_a_limit_that_the_owner_lowered_since_holds(app: App, manager: Member) -> None:
    async with app.open(limits={"pictures_per_hour": 100}):
        await pick(manager, await panel(app, manager), "pace", "50")
    async with app.open(limits={"pictures_per_hour": 3}):
        assert chosen(await panel(app, manager), "pace") == ["50"]
        text = await told(await app.alice.slash(app.art, "imagine", prompt="x", count=4))
        assert text == "You asked for 4 pictures, but your limit is 3 an hour."


async def test_it_is_for_managers_even_when_they_are_no_longer(app: App, manager: Member) -> None:
    async with app.open():
        refusal = "You need the Manage Server permission, or a role chosen by the bot's owner."
        assert await told(await app.alice.slash(app.art, "settings")) == refusal
        settings_panel = await panel(app, manager)
        manager.roles.clear()
        use = await manager.select(settings_panel, "2", custom_id="atelier-setting:pace")
        assert await told_after(use) == refusal
        await app.painted(app.alice, count=3)


async def turned(who: Member, settings_panel: Message, page: str) -> Message:
    """The panel, turned to that page."""
    [button] = [
        b for b in settings_panel.buttons if b["custom_id"] == f"atelier-settings-page:{page}"
    ]
    if not button.get("disabled"):
        await who.click(settings_panel, custom_id=button["custom_id"])
    return settings_panel


async def give(who: Member, settings_panel: Message, role: Role, value: str) -> Message:
    """Give the members of a role so many pictures an hour."""
    await pick(who, await turned(who, settings_panel, "roles"), "role", role)
    assert chosen(settings_panel, "role") == [str(role.id)]
    return await pick(who, settings_panel, f"rolepace:{role.id}", value)


async def test_a_size_is_chosen_for_the_model_that_paints(app: App, manager: Member) -> None:
    async with app.open():
        settings_panel = await panel(app, manager)
        assert chosen(settings_panel, "size:tiny") == ["owner"]
        await pick(manager, settings_panel, "size:tiny", "80x56")
        assert chosen(settings_panel, "size:tiny") == ["80x56"]
        assert settings_line(await app.painted(app.alice))[1] == "80×56"
        await pick(manager, settings_panel, "size:tiny", "owner")
        assert settings_line(await app.painted(app.alice))[1] == "64×64"
        assert (await told(await manager.slash(app.art, "audit"))).count("size") == 2


async def test_roles_get_more_or_fewer_but_never_more_than_the_owner_gives(
    app: App, manager: Member
) -> None:
    patron, novice, friend = (app.guild.add_role(x) for x in ("patron", "novice", "friend"))
    pat, nia = (
        app.guild.add_member(name, roles=[role])
        for name, role in (("pat", patron), ("nia", novice))
    )
    fay = app.guild.add_member("fay", roles=[novice, friend])
    limits = {"pictures_per_hour": 5, "roles": {patron.id: {"pictures_per_hour": 8}}}
    async with app.open(limits=limits):
        settings_panel = await panel(app, manager)
        await pick(manager, settings_panel, "pace", "2")
        await give(manager, settings_panel, novice, "1")
        await give(manager, settings_panel, friend, "1000000000")
        await give(manager, settings_panel, patron, "5")
        assert f"<@&{novice.id}>: 1 picture\n" in settings_panel.text()
        assert f"<@&{friend.id}>: Bot owner's maximum" in settings_panel.text()
    async with app.open(limits=limits):
        for who, count, most in ((app.alice, 3, 2), (nia, 2, 1)):
            text = await told(await who.slash(app.art, "imagine", prompt="x", count=count))
            assert text == f"You asked for {count} pictures, but your limit is {most} an hour."
        for who, most in ((fay, 5), (pat, 5)):
            await app.painted(who, count=4)
            text = await told(await who.slash(app.art, "imagine", prompt="x", count=2))
            assert text.startswith(
                f"You asked for 2, but you have 1 left of {most} pictures an hour."
            )
        await give(manager, settings_panel, novice, "owner")
        await app.painted(nia, count=2)
        assert str(novice.id) not in settings_panel.text()
        lines = (await told(await manager.slash(app.art, "audit"))).splitlines()
        assert f"reset the hourly limit of <@&{novice.id}> to that of all members" in lines[0]
        assert f"limited <@&{novice.id}> to 1 picture an hour" in lines[3]


async def test_a_number_for_everybody_is_not_one_for_a_role(app: App, manager: Member) -> None:
    gone = app.guild.add_role("gone")
    async with app.open():
        settings_panel = await turned(manager, await panel(app, manager), "roles")
        use = await manager.select(
            settings_panel, app.guild.everyone, custom_id="atelier-setting:role"
        )
        assert (await told(use)).startswith("Everyone has that role")
        await pick(manager, settings_panel, "role", gone)
    del app.guild.roles[gone.id]
    async with app.open():
        use = await manager.select(
            settings_panel, "5", custom_id=f"atelier-setting:rolepace:{gone.id}"
        )
        assert await told(use) == "This role no longer exists. Choose another."


async def test_what_two_managers_choose_at_once_holds_both(app: App, manager: Member) -> None:
    other = app.guild.add_member("other", permissions=Permissions(manage_guild=True))
    den, retention_table = app.guild.add_channel("den"), app.guild.add_channel("attic")
    async with app.open():
        mine, theirs = await panel(app, manager), await panel(app, other)
        await asyncio.gather(
            pick(manager, mine, "channels", app.art, den),
            pick(other, theirs, "channels", retention_table),
            pick(other, await panel(app, other), "pace", "5"),
        )
        settings_panel = await panel(app, manager)
        assert set(chosen(settings_panel, "channels")) == {
            str(c.id) for c in (app.art, den, retention_table)
        }
        assert chosen(settings_panel, "pace") == ["5"]
        await pick(other, theirs, "channels", retention_table)  # since then it shows all three
        assert chosen(await panel(app, manager), "channels") == [str(retention_table.id)]


async def test_gallery_moderators_and_language_have_a_page(app: App, manager: Member) -> None:
    hall, submission = app.guild.add_channel("hall"), app.guild.add_channel("desk")
    hidden = app.guild.add_channel("hidden")
    hidden.deny_bot("send_messages")
    async with app.open() as bot:
        settings_panel = await turned(manager, await panel(app, manager), "order")
        await pick(manager, settings_panel, "gallery", hall)
        await pick(manager, settings_panel, "reviews", submission)
        await pick(manager, settings_panel, "language", "zh_CN")
        use = await manager.select(settings_panel, hidden, custom_id="atelier-setting:reviews")
        assert await told(use) == (
            f"I can't post in <#{hidden.id}>. Someone who manages that channel needs to give "
            "me Send Messages."
        )
        settings = await server_settings(bot.studio, f"guild:{app.guild.id}")
        assert (settings.review_channel, settings.language) == (submission.id, "zh_CN")
    async with app.open():
        await turned(manager, await turned(manager, settings_panel, "painting"), "order")
        assert chosen(settings_panel, "gallery") == [str(hall.id)]
        assert chosen(settings_panel, "reviews") == [str(submission.id)]
        assert chosen(settings_panel, "language") == ["zh_CN"]
        for what in ("gallery", "reviews"):
            assert chosen(await pick(manager, settings_panel, what), what) == []
        manager.roles.clear()
        use = await manager.click(settings_panel, custom_id="atelier-settings-page:painting")
        assert (await told(use)).startswith("You need the Manage Server permission")


@pytest.mark.parametrize("may_be_shown", [False, True])
async def test_what_becomes_of_unsafe_pictures_is_chosen_where_a_classifier_tells(
    app: App, manager: Member, tmp_path: Path, may_be_shown: bool
) -> None:
    async with app.open():
        settings_panel = await turned(manager, await panel(app, manager), "order")
        assert "classifier" not in settings_panel.text()
    app.safety = SafetySettings(classifier=str(classifier(tmp_path, "all")))
    async with app.open(unsafe_may_be_shown=may_be_shown) as bot:
        settings_panel = await turned(
            manager, await turned(manager, settings_panel, "painting"), "order"
        )
        assert chosen(settings_panel, "nsfw") == ["owner"]
        [select] = [s for s in settings_panel.selects if s["custom_id"] == "atelier-setting:nsfw"]
        values = [option["value"] for option in select["options"]]
        assert values == ["owner", "spoiler", "withhold", *(["off"] if may_be_shown else [])]
        await pick(manager, settings_panel, "nsfw", values[-1])
        settings = await server_settings(bot.studio, f"guild:{app.guild.id}")
        assert (settings.nsfw, chosen(settings_panel, "nsfw")) == (values[-1], values[-1:])
        message = await app.painted(app.alice)
        assert bool(message.attachments) == may_be_shown
        lines = await told(await manager.slash(app.art, "audit"))
        assert f"set NSFW pictures to be {'shown' if may_be_shown else 'withheld'}" in lines


async def test_a_channel_that_is_gone_is_not_offered_and_nobody_paints_elsewhere_instead(
    app: App, manager: Member
) -> None:
    den, hall = app.guild.add_channel("den"), app.guild.add_channel("hall")
    async with app.open():
        settings_panel = await pick(manager, await panel(app, manager), "channels", den)
        await pick(manager, await turned(manager, settings_panel, "order"), "gallery", hall)
        for channel in (den, hall):
            app.guild.remove_channel(channel)
        await turned(manager, settings_panel, "painting")
        assert chosen(settings_panel, "channels") == []
        assert "Nowhere (the channels no longer exist)" in [
            s.get("placeholder") for s in settings_panel.selects
        ]
        assert chosen(await turned(manager, settings_panel, "order"), "gallery") == []
        text = await told(await app.alice.slash(app.art, "imagine", prompt="x"))
        assert text.startswith("This server only allows painting in")
        await turned(manager, settings_panel, "painting")
        await pick(manager, settings_panel, "channels", app.art)
        await app.painted(app.alice)
