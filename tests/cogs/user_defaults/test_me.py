"""/me defaults: what somebody gets where they leave it open."""

from __future__ import annotations

import pytest

from tests.discord_server import Member, Permissions

from tests.cogs.app import House, settings_line, told
from tests.cogs.styles.test_styles import add

NOTHING = "You have no defaults: what you leave open is as this server has it."


@pytest.fixture
def manager(house: House) -> Member:
    """Somebody with Manage Server."""
    return house.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def defaults(house: House, **options: object) -> str:
    """What Alice is told of hers."""
    return await told(await house.alice.slash(house.art, "me defaults", **options))


async def test_own_words_go_before_ones_defaults_and_these_before_the_servers(
    house: House, manager: Member
) -> None:
    async with house.open():
        more = {"size": "64x96", "steps": 1}
        await manager.slash(house.art, "model default", name="other", **more)
        assert await defaults(house) == NOTHING
        assert await defaults(house, model="other", size="3:2") == (
            "Where you leave it open: model **other** · size **3:2**. "
            "`/me defaults clear:True` forgets it."
        )
        parts = settings_line(await house.painted(house.alice))
        assert parts[:3] == ["other", "112×72", "1 step"]
        parts = settings_line(await house.painted(house.alice, "x --ar 1:1 --model tiny"))
        assert parts[:2] == ["tiny", "64×64"]
        parts = settings_line(await house.painted(house.bob, model="other"))
        assert parts[:2] == ["other", "64×96"], "they are nobody else's"
        assert await defaults(house, clear=True) == NOTHING
        assert settings_line(await house.painted(house.alice))[0] == "tiny"


async def test_a_style_counts_where_there_is_one_of_that_name(
    house: House, manager: Member
) -> None:
    poets = house.discord.add_guild("Poets")
    den = poets.add_channel("den")
    alice = poets.add_member("alice")
    async with house.open():
        await add(house, manager)
        assert "style **ink**" in await defaults(house, style="INK")
        assert (await house.painted(house.alice, "a fish")).text().startswith("**a fish in ink**")
        plain = await house.painted(house.alice, "a fish", style="none")
        assert plain.text().startswith("**a fish**")
        there = await house.painted(alice, "a fish", where=den)
        assert there.text().startswith("**a fish**")


async def test_what_is_not_there_is_no_default(house: House) -> None:
    async with house.open():
        assert "Did you mean “other”?" in await defaults(house, model="othre")
        assert "none has been added here" in await defaults(house, style="ink")
        assert await defaults(house) == NOTHING


async def test_a_default_that_does_not_go_here_is_left_out(house: House, manager: Member) -> None:
    async with house.open():
        await defaults(house, model="other", size="16:9")
        await manager.slash(house.art, "model allow", names="tiny, slow")
        parts = settings_line(await house.painted(house.alice))
        assert parts[:2] == ["tiny", "88×48"]
