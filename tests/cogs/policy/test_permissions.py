"""Before anything is promised: could a picture be delivered here at all?"""

from __future__ import annotations

import pytest

from tests.cogs.app import App, told
from tests.discord_server import Channel


def channel(app: App, kind: str) -> tuple[Channel, Channel]:
    """The place to paint in, and the channel whose permissions count there."""
    den = app.guild.add_channel("den")
    if kind == "channel":
        return den, den
    return app.guild.add_channel("details", kind="thread", parent=den), den


@pytest.mark.parametrize(
    ("kind", "missing", "named"),
    [
        ("channel", ["attach_files"], "Attach Files"),
        ("channel", ["send_messages"], "Send Messages"),
        ("channel", ["view_channel"], "View Channel"),
        ("channel", ["attach_files", "send_messages"], "Send Messages and Attach Files"),
        ("thread", ["attach_files"], "Attach Files"),
        ("thread", ["send_messages_in_threads"], "Send Messages in Threads"),
    ],
)
async def test_what_the_bot_lacks_is_named_and_nothing_is_queued(
    app: App, kind: str, missing: list[str], named: str
) -> None:
    place, parent = channel(app, kind)
    parent.deny_bot(*missing)
    async with app.open() as bot:
        sentence = await told(await app.alice.slash(place, "imagine", prompt="x"))
        assert sentence.startswith("I can't paint in this channel: I'm missing ")
        assert named.lower() in sentence.lower()
        assert await bot.studio.undelivered() == []
        parent.deny_bot()
        assert not (await app.painted(app.alice, where=place)).ephemeral


@pytest.mark.parametrize(
    ("kind", "spare"), [("channel", "send_messages_in_threads"), ("thread", "send_messages")]
)
async def test_what_is_not_needed_there_is_not_asked_for(app: App, kind: str, spare: str) -> None:
    place, parent = channel(app, kind)
    parent.deny_bot(spare)
    async with app.open():
        message = await app.painted(app.alice, where=place)
        assert place.messages == [message]


async def test_again_is_checked_like_a_command(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice)
        app.art.deny_bot("attach_files")
        assert "Attach Files" in await told(await app.bob.click(message, label="Again"))
        await app.settled(bot)
