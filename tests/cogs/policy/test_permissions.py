"""Before anything is promised: could a picture be delivered here at all?"""

from __future__ import annotations

import pytest

from tests.discord_server import Channel

from tests.cogs.app import House, told


def channel(house: House, kind: str) -> tuple[Channel, Channel]:
    """The place to paint in, and the channel whose permissions count there."""
    den = house.guild.add_channel("den")
    if kind == "channel":
        return den, den
    return house.guild.add_channel("details", kind="thread", parent=den), den


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
    house: House, kind: str, missing: list[str], named: str
) -> None:
    place, parent = channel(house, kind)
    parent.deny_bot(*missing)
    async with house.open() as bot:
        sentence = await told(await house.alice.slash(place, "imagine", prompt="x"))
        assert sentence.startswith("I cannot paint in this channel: I lack ")
        assert named.lower() in sentence.lower()
        assert await bot.studio.unsettled() == []
        parent.deny_bot()
        assert not (await house.painted(house.alice, where=place)).ephemeral


@pytest.mark.parametrize(
    ("kind", "spare"), [("channel", "send_messages_in_threads"), ("thread", "send_messages")]
)
async def test_what_is_not_needed_there_is_not_asked_for(
    house: House, kind: str, spare: str
) -> None:
    place, parent = channel(house, kind)
    parent.deny_bot(spare)
    async with house.open():
        message = await house.painted(house.alice, where=place)
        assert place.messages == [message]


async def test_again_is_checked_like_a_command(house: House) -> None:
    async with house.open() as bot:
        message = await house.painted(house.alice)
        house.art.deny_bot("attach_files")
        assert "Attach Files" in await told(await house.bob.click(message, label="Again"))
        await house.settled(bot)
