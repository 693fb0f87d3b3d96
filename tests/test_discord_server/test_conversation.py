"""A person and a bot talk: commands, completion, files, deferred answers, follow-ups."""

from __future__ import annotations

from typing import Any, Literal

import discord
import pytest
from discord import app_commands, ui

from tests.discord_server import Choice, ClientRefuses, Permissions, Upload

from .conftest import Scene
from .painter_bot import Interaction, file, picture


async def test_a_slash_command_is_answered(scene: Scene) -> None:
    use = await scene.alice.slash(scene.art, "imagine", prompt="a red house", count=2)
    message = await use.message()
    assert use.acknowledged_after < 1
    assert message.content == "2 x a red house by None"
    assert scene.art.messages == [message]


async def test_completion_offers_what_the_bot_answers(scene: Scene) -> None:
    choices = await scene.alice.autocomplete(scene.art, "imagine", "model", "sky", prompt="x")
    assert choices == [Choice("Skyline", "skyline")]


async def test_a_picture_goes_along_as_an_option(scene: Scene) -> None:
    start = Upload("my start.png", picture())
    use = await scene.alice.slash(scene.art, "imagine", prompt="a house", start=start)
    assert "from my_start.png" in (await use.message()).content


async def test_the_bot_learns_who_asks_where(scene: Scene) -> None:
    seen: list[object] = []

    @scene.act
    async def script(interaction: Interaction) -> None:
        assert isinstance(interaction.user, discord.Member)
        seen.extend([interaction.user.name, interaction.locale, interaction.guild_locale])
        seen.extend([interaction.permissions.attach_files, interaction.app_permissions.embed_links])
        seen.append(interaction.filesize_limit)
        assert isinstance(interaction.channel, discord.TextChannel)
        assert interaction.guild is not None
        seen.append(interaction.channel.permissions_for(interaction.guild.me).attach_files)
        await interaction.response.send_message("ok")

    scene.art.deny_bot("embed_links")
    await scene.bob.slash(scene.art, "act")
    chinese, english = discord.Locale.chinese, discord.Locale.american_english
    assert seen == ["bob", chinese, english, True, False, 10 * 1024 * 1024, True]


async def test_deferring_says_thinking_until_the_edit(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        assert scene.art.seen_by(scene.alice)[0].loading
        await interaction.edit_original_response(content="done", attachments=[file()])

    use = await scene.alice.slash(scene.art, "act")
    message = await use.message()
    assert (message.content, message.ephemeral, message.loading) == ("done", True, False)
    assert message.attachments[0].read() == picture()
    assert (message.attachments[0].width, message.attachments[0].height) == (8, 6)
    assert scene.art.messages == []
    assert scene.art.seen_by(scene.bob) == []


async def test_the_first_follow_up_fills_a_deferred_answer(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.followup.send("first")
        await interaction.followup.send("second", file=file())

    use = await scene.alice.slash(scene.art, "act")
    assert (await use.message()).content == "first"
    second = await use.followup()
    assert (second.content, [str(each) for each in second.attachments]) == (
        "second",
        ["red.png 8x6"],
    )


async def test_edits_keep_the_attachments_they_name(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message(files=[file("a.png"), file("b.png")])
        message = await interaction.original_response()
        await message.edit(attachments=[message.attachments[1], file("c.png")])
        await message.edit(content="done")

    use = await scene.alice.slash(scene.art, "act")
    message = await use.message()
    await scene.discord.until(lambda: message.content)
    assert [each.filename for each in message.attachments] == ["b.png", "c.png"]
    assert [len(look.attachments) for look in message.looks] == [2, 2, 2]


async def test_menus_on_messages_and_people(scene: Scene) -> None:
    said = await scene.bob.say(scene.art, "look", files=[Upload("mine.png", picture())])
    answer = await scene.alice.use_on_message(said, "Paint from this")
    assert (await answer.message()).content == "'look' ['mine.png']"
    greeting = await (await scene.alice.use_on_user(scene.art, scene.bob, "Greet")).message()
    assert scene.bob.mention in greeting.content
    assert greeting.pings == []


async def test_the_bot_does_not_read_what_others_write(scene: Scene) -> None:
    await scene.bob.say(scene.art, "secret")
    await scene.bob.say(scene.bob.dm, "hello bot")
    await scene.bob.slash(scene.art, "imagine", prompt="x")
    await scene.bob.slash(scene.art, "imagine", prompt="y")
    assert scene.bot.heard[:3] == ["", "hello bot", "1 x x by None"]


async def test_commands_work_in_direct_messages(scene: Scene) -> None:
    use = await scene.alice.slash(scene.alice.dm, "imagine", prompt="x")
    assert (await use.message()).channel is scene.alice.dm


async def test_the_bot_writes_first(scene: Scene) -> None:
    user = await scene.bot.fetch_user(scene.alice.user.id)
    await user.send("your picture is ready", file=file())
    assert [each.content for each in scene.alice.dm.messages] == ["your picture is ready"]
    channel = await scene.bot.fetch_channel(scene.art.id)
    assert isinstance(channel, discord.TextChannel)
    async with channel.typing():
        first = await channel.send("hello", nonce="1")
    await first.reply("reply", mention_author=False, embed=discord.Embed(title="an embed"))
    assert [each.text() for each in scene.art.messages] == ["hello", "reply\nan embed"]
    assert [each.content async for each in channel.history()] == ["reply", "hello"]
    assert scene.art.typing
    thread = scene.guild.add_channel("details", kind="thread", parent=scene.art)
    found = await scene.bot.fetch_channel(thread.id)
    assert isinstance(found, discord.Thread)
    await found.send("in the thread")
    assert thread.messages[0].text() == "in the thread"


async def test_the_bot_looks_things_up(scene: Scene) -> None:
    vip = scene.guild.add_role("vip", Permissions(manage_messages=True))
    carol = scene.guild.add_member("carol", roles=[vip])
    guild = await scene.bot.fetch_guild(scene.guild.id)
    member = await guild.fetch_member(carol.user.id)
    assert [role.name for role in await guild.fetch_roles()][-1] == "vip"
    assert [role.id for role in member.roles][-1] == vip.id
    assert (await scene.bot.application_info()).id == scene.discord.application_id


async def test_the_transcript_reads_like_a_conversation(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        view = ui.View(timeout=None)
        view.add_item(ui.Button(label="Again"))
        view.add_item(ui.Button(label="Later", disabled=True))
        await interaction.response.send_message("painted", view=view, file=file())

    await scene.alice.slash(scene.art, "imagine", prompt="a red house", count=2)
    await scene.bob.slash(scene.art, "act")
    assert scene.discord.transcript() == "\n".join(
        [
            "--- Painters #art",
            "alice uses /imagine prompt:a red house count:2",
            "atelier:",
            "    2 x a red house by None",
            "bob uses /act",
            "atelier:",
            "    painted",
            "    files: red.png 8x6",
            "    [Again] (Later)",
        ]
    )


async def test_pings_are_what_allowed_mentions_lets_through(scene: Scene) -> None:
    text = f"@everyone {scene.alice.mention} {scene.bob.mention}"
    alice = discord.Object(scene.alice.user.id)
    for allowed, pings in (
        (discord.AllowedMentions.none(), []),
        (discord.AllowedMentions(everyone=False, users=[alice]), [str(alice.id)]),
        (discord.AllowedMentions(everyone=True, users=False), ["everyone"]),
    ):
        channel = scene.bot.get_partial_messageable(scene.art.id)
        sent = await channel.send(text, allowed_mentions=allowed)
        assert scene.discord.message(sent.id).pings == pings
        assert [str(each.id) for each in sent.mentions] == [id_ for id_ in pings if id_.isdigit()]


async def test_options_point_to_people_roles_and_channels(scene: Scene) -> None:
    @app_commands.command(description="Point at things")
    async def point(
        interaction: discord.Interaction,
        who: discord.Member,
        what: discord.Role,
        where: discord.TextChannel,
        either: discord.Member | discord.Role,
        how: float,
        sure: bool,
        size: Literal["small", "large"],
    ) -> None:
        text = f"{who.name} {what.name} {where.name} {either.name} {how} {sure} {size}"
        await interaction.response.send_message(text)

    scene.bot.tree.add_command(point)
    await scene.bot.tree.sync()
    vip = scene.guild.add_role("vip")
    given: dict[str, Any] = {"who": scene.bob, "what": vip, "where": scene.art, "either": vip}
    use = await scene.alice.slash(scene.art, "point", **given, how=1.5, sure=True, size="large")
    assert (await use.message()).content == "bob vip art vip 1.5 True large"
    for wrong in ({"size": "huge"}, {"sure": 1}, {"where": scene.bob}, {"how": 1e20}):
        good = given | {"how": 1.5, "sure": True, "size": "small"}
        with pytest.raises(ClientRefuses):
            await scene.alice.slash(scene.art, "point", **good | wrong)
