"""/help: how to begin, and the live commands, each under who may use it."""

from __future__ import annotations

import re
from itertools import chain

import discord
import pytest
from discord import app_commands

from cogs.about.command_list import AUDIENCES, Audience, slash_commands
from cogs.about.help import GROUPS
from tests.cogs.app import App, told
from tests.discord_server import Permissions, Upload

REFUSALS = {
    Audience.OWNER: ("Only the bot's owner or members with a role", "Only the bot's owner can"),
    Audience.MANAGERS: ("You need the Manage Server permission,",),
    Audience.TRAINERS: (
        "Training LoRAs here takes a role",
        "Training 1 doesn't exist or isn't yours.",
    ),
    Audience.MODERATORS: ("You need the Timeout Members or Manage Server permission,",),
}
"""How those hear it who may not use a command."""

MENTION = re.compile(r"</([a-z_ -]+):(\d+)>")


async def listed(app: App) -> str:
    """The list of all commands, which is a click away and takes two messages."""
    page = await (await app.alice.slash(app.art, "help")).message()
    use = await app.alice.click(page, label="All commands")
    return "\n".join([await told(use), (await use.followup()).text()])


async def test_the_page_is_short_and_has_an_example_to_copy(app: App) -> None:
    async with app.open() as bot:
        text = await told(await app.alice.slash(app.art, "help"))
        there = {command.qualified_name for command in slash_commands(bot)}
        [example] = re.findall(r"```\n(.+)\n```", text)
        assert (await app.painted(app.alice, example)).attachments
    assert len(text.splitlines()) <= 12
    assert {name for name, _ in MENTION.findall(text)} == set(chain(*GROUPS.values())) <= there


@pytest.mark.parametrize("roles", [(), (1,)])
async def test_discord_offers_commands_to_those_who_may_use_them_or_with_roles_to_all(
    app: App, roles: tuple[int, ...]
) -> None:
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    moderator = app.guild.add_member("moderator", permissions=Permissions(moderate_members=True))
    async with app.open(admin_roles=roles) as bot:
        tops = {command.name: set[Audience]() for command in bot.tree.get_commands()}
        for command in slash_commands(bot):
            audience = AUDIENCES.get(command.qualified_name, Audience.EVERYBODY)
            tops[command.qualified_name.partition(" ")[0]].add(audience)
        hidden = {name for name, whom in tops.items() if whom and Audience.EVERYBODY not in whom}
        moderated = {name for name, whom in tops.items() if Audience.MODERATORS in whom}
        offered = [
            {each["name"] for each in who.commands(app.art)}
            for who in (app.alice, moderator, manager)
        ]
    if roles:
        assert offered == [set(tops)] * 3
    else:
        assert [set(tops) - names for names in offered] == [hidden, hidden - moderated, moderated]


async def test_every_command_is_there_with_the_id_that_discord_gave_it(app: App) -> None:
    for _ in range(2):  # the second start syncs nothing: the ids are remembered
        async with app.open() as bot:
            text = await listed(app)
            there = {command.qualified_name for command in slash_commands(bot)}
        ids = {each["name"]: int(each["id"]) for each in app.discord.world.commands[None]}
        mentioned = {name: int(id_) for name, id_ in MENTION.findall(text)}
        assert mentioned.keys() == there >= {"imagine", "help", "model use"}
        assert mentioned == {name: ids[name.partition(" ")[0]] for name in there}


async def test_the_page_says_who_may_use_what(app: App) -> None:
    async with app.open() as bot:
        text = await listed(app)
        assert AUDIENCES.keys() <= {command.qualified_name for command in slash_commands(bot)}
    for audience in Audience:
        if audience in AUDIENCES.values():
            section = text.partition(audience.value)[2].partition("###")[0]
            names = {name for name, who in AUDIENCES.items() if who is audience}
            assert {name for name, _ in MENTION.findall(section)} == names
    assert "</imagine:" in text.partition(Audience.EVERYBODY.value)[2].partition("###")[0]


async def test_in_a_server_with_commands_of_its_own_their_ids_count(app: App) -> None:
    async with app.open(sync_guilds=(app.guild.id,)):
        text = await listed(app)
    commands = app.discord.world.commands[app.guild.id]
    ids = {str(each["id"]) for each in commands if each["type"] == 1}
    assert {id_ for _, id_ in MENTION.findall(text)} == ids


async def test_what_the_page_says_is_so(app: App) -> None:
    """A stranger is refused whatever is not for everybody, with the sentence of its audience."""
    async with app.open() as bot:
        for command in slash_commands(bot):
            name = command.qualified_name
            audience = AUDIENCES.get(name, Audience.EVERYBODY)
            if audience is not Audience.EVERYBODY:
                wanted = {p.name: filled(app, p) for p in command.parameters if p.required}
                text = await told(await app.alice.slash(app.art, name, **wanted))
                assert text.startswith(REFUSALS[audience]), name


def filled(app: App, parameter: app_commands.Parameter) -> object:
    """Something that the parameter takes."""
    if parameter.choices:
        return parameter.choices[0].value
    kind = discord.AppCommandOptionType
    choices: dict[discord.AppCommandOptionType, object] = {
        kind.user: app.bob,
        kind.channel: app.art,
        kind.string: "tiny",
        kind.integer: 1,
        kind.attachment: Upload("fox.txt", b"no picture"),
    }
    return choices[parameter.type]
