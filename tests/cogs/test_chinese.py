"""Who has set Discord to Chinese reads Chinese; what everybody reads is as the server has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from cogs.about.command_list import slash_commands
from cogs.policy.server_settings import change_server_settings
from engine import Studio
from tests.cogs.about.test_help import filled
from tests.cogs.app import PATIENCE, App, told
from tests.discord_server import Member, Message, Permissions, Use
from tests.discord_server.guilds import Guild
from tests.discord_server.messages import walk
from tests.hub_server import Fault, HubServer, Repository

UNET = "unet/diffusion_pytorch_model.safetensors"

PROSE = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b")
"""Two English words in a row; names and numbers stand alone."""


def english(text: str) -> str | None:
    """The first English words in the text that are neither a command nor an example."""
    found = PROSE.search(re.sub(r"`[^`]*`|<[^>]*>", "", text))
    return found and found[0]


@pytest.fixture
def owner(app: App) -> Member:
    """The owner of the bot; their Discord is Chinese."""
    owner = app.guild.add_member("developer", permissions=Permissions(manage_guild=True))
    owner.locale = "zh-CN"
    return owner


async def speaks_chinese(studio: Studio, app: App) -> None:
    """The server decides so."""
    scope = f"guild:{app.guild.id}"
    await change_server_settings(studio, scope, lambda s: type(s)(language="zh_CN"))


async def test_no_command_answers_in_english(app: App, owner: Member) -> None:
    """Neither whoever may use it nor a stranger; most of what is asked for here is refused."""
    app.alice.locale = "zh-CN"
    async with app.open() as bot:
        for command in slash_commands(bot):
            wanted = {p.name: filled(app, p) for p in command.parameters if p.required}
            for who in (app.alice, owner):
                use = await who.slash(app.art, command.qualified_name, **wanted)
                assert english(await everything(use)) is None, command.qualified_name


async def test_no_button_of_a_result_answers_in_english(app: App) -> None:
    app.alice.locale = app.bob.locale = "zh-CN"
    async with app.open() as bot:
        message = await app.ask(app.alice, "塔")
        assert english(shown(message)) is None
        await app.discord.until(lambda: "删除" in message.labels, PATIENCE)
        assert english(shown(message)) is None
        for label in filter(None, message.labels):
            for who in (app.bob, app.alice):
                if not message.deleted:
                    use = await who.click(message, label=label)
                    assert english(await everything(use)) is None, label
        await app.settled(bot)


async def everything(use: Use) -> str:
    """All that a person reads in the answer, whatever it is."""
    if use.response == 9:
        modal = await use.modal()
        return "\n".join([modal.title, *modal.labels(), *_words(modal.data["components"])])
    original = use.interaction.original
    await use.interaction.world.changes.until(
        lambda: use.followups or (original and not original.loading), PATIENCE
    )
    return shown(use.followups[0] if use.followups else await use.message())


def shown(message: Message) -> str:
    """All that a person reads in a message."""
    return "\n".join([message.text(), *_words(message.components)])


def _words(components: list[Any]) -> Iterator[str]:
    for part in walk(components):
        for each in (part, *part.get("options", [])):
            for key in ("label", "placeholder", "description"):
                yield str(each.get(key) or "")


async def test_help_describes_every_command_in_the_readers_language(app: App) -> None:
    app.alice.locale = "zh-CN"
    async with app.open() as bot:
        first = await (await app.alice.slash(app.art, "help")).message()
        text = await told(await app.alice.click(first, label="所有命令"))
        page = await (await app.bob.slash(app.art, "help")).message()
        theirs = await told(await app.bob.click(page, label="All commands"))
        named = f"</model list:{bot.command_ids[0]['model']}>"
    assert first.text().startswith("## 我能做什么")
    assert f"{named} 查看你可以用来绘图的模型" in text
    assert "以此图为起点" in text
    assert english(text) is None
    assert f"{named} Show the models you can paint with" in theirs


async def test_the_introduction_speaks_the_language_of_the_server(app: App) -> None:
    def add_features(guild: Guild) -> None:
        guild.locale = "zh-CN"
        guild.add_channel("hall")

    async with app.open() as bot:
        await bot.wait_until_ready()
        guild = app.discord.add_guild("诗人", add_features=add_features)
        [hall] = guild.channels.values()
        [message] = await app.discord.until(lambda: hall.messages)
    assert message.text().startswith("## 你好！")
    assert "a lighthouse at dusk, oil on canvas" in message.text()
    assert "只能理解英文" in message.text()
    assert english(message.text()) is None


async def test_the_status_and_a_models_facts(app: App, owner: Member) -> None:
    async with app.open():
        await app.painted(app.alice)
        status = await told(await owner.slash(app.art, "status"))
        facts = await told(await owner.slash(app.art, "model info", name="tiny"))
        listed = await told(await owner.slash(app.art, "model list"))
    assert "**队列** 0 个绘制中，0 个等待中" in status
    assert "**方案** 全部在设备上" in status
    assert english(status) is None
    assert "方案：全部在设备上" in facts
    assert english(facts) is None
    assert listed.startswith("本服务器使用 **tiny**。")
    assert "**sketch** 内置：" in listed
    assert english(listed) is None


async def test_what_a_server_decides_is_told_to_who_decides_and_noted_for_who_reads(
    app: App, owner: Member
) -> None:
    moderator = app.guild.add_member("mod", permissions=Permissions(manage_guild=True))
    async with app.open():
        use = await owner.slash(app.art, "model default", name="tiny", steps=3, guidance=2.5)
        assert await told(use) == "**tiny** 在本服务器的默认值：3 步 · 引导强度 2.5。"
        use = await owner.slash(app.art, "model allow", names="tiny, other")
        assert await told(use) == "这里允许的模型：tiny、other。本服务器使用 **tiny**。"
        theirs = await told(await moderator.slash(app.art, "audit"))
    assert "limited the models to tiny, other" in theirs
    assert "set the defaults of tiny to 3 steps · guidance 2.5" in theirs


async def test_a_models_card_speaks_as_the_server_does_whoever_clicks(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with app.open(engine={"hub_url": hub.endpoint}) as bot:
        await speaks_chinese(bot.studio, app)
        owner.locale = "en-US"
        use = await owner.slash(app.art, "model add", source="someone/fox")
        message = await use.message(PATIENCE)
        assert message.labels == ["下载", "取消"]
        assert english(message.text()) is None
        await owner.click(message, label="下载")
        await app.discord.until(lambda: "已添加。" in message.text(), PATIENCE)
        assert "`/model use fox`" in message.text()
        use = await owner.slash(app.art, "model remove", name="fox")
        assert (await use.message()).text().startswith("Remove **fox**?")


async def test_a_download_that_was_cut_off_is_told_in_the_language_of_its_card(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    fox.faults[UNET] = Fault(stall_after=400_000)
    async with app.open(engine={"hub_url": hub.endpoint}):
        use = await owner.slash(app.art, "model add", source="someone/fox")
        message = await use.message(PATIENCE)
        await owner.click(message, label="下载")
        await app.discord.until(lambda: "▱" in message.text(), PATIENCE)
        assert message.labels == ["停止"]
    app.discord.expire_tokens()
    async with app.open(engine={"hub_url": hub.endpoint}):
        await app.discord.until(lambda: "已中断：机器人重启过。" in message.text(), PATIENCE)
        assert message.labels == ["继续", "取消"]
