"""/me defaults: what somebody gets where they leave it open."""

from __future__ import annotations

import pytest

from tests.cogs.app import App, settings_line, told
from tests.cogs.styles.test_styles import add
from tests.discord_server import Member, Permissions

NOTHING = "You have no defaults. Anything you leave out follows the server's settings."


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def defaults(app: App, **options: object) -> str:
    """What Alice is told of hers."""
    return await told(await app.alice.slash(app.art, "me defaults", **options))


async def test_own_words_go_before_ones_defaults_and_these_before_the_servers(
    app: App, manager: Member
) -> None:
    async with app.open():
        more = {"size": "64x96", "steps": 1}
        await manager.slash(app.art, "model default", name="other", **more)
        assert await defaults(app) == NOTHING
        assert await defaults(app, model="other", size="3:2") == (
            "Your defaults: model **other** · size **3:2**. Clear them with `/me defaults "
            "clear:True`."
        )
        parts = settings_line(await app.painted(app.alice))
        assert parts[:3] == ["other", "112×72", "1 step"]
        parts = settings_line(await app.painted(app.alice, "x --ar 1:1 --model tiny"))
        assert parts[:2] == ["tiny", "64×64"]
        parts = settings_line(await app.painted(app.bob, model="other"))
        assert parts[:2] == ["other", "64×96"], "they are nobody else's"
        assert await defaults(app, clear=True) == NOTHING
        assert settings_line(await app.painted(app.alice))[0] == "tiny"


async def test_a_style_counts_where_there_is_one_of_that_name(app: App, manager: Member) -> None:
    poets = app.discord.add_guild("Poets")
    den = poets.add_channel("den")
    alice = poets.add_member("alice")
    async with app.open():
        await add(app, manager)
        assert "style **ink**" in await defaults(app, style="INK")
        assert (await app.painted(app.alice, "a fish")).text().startswith("**a fish in ink**")
        plain = await app.painted(app.alice, "a fish", style="none")
        assert plain.text().startswith("**a fish**")
        there = await app.painted(alice, "a fish", where=den)
        assert there.text().startswith("**a fish**")


async def test_what_is_not_there_is_no_default(app: App) -> None:
    async with app.open():
        assert "Did you mean “other”?" in await defaults(app, model="othre")
        assert "None have been added here" in await defaults(app, style="ink")
        assert await defaults(app) == NOTHING


async def test_a_default_that_does_not_go_here_is_left_out(app: App, manager: Member) -> None:
    async with app.open():
        await defaults(app, model="other", size="16:9")
        await manager.slash(app.art, "model allow", names="tiny, slow")
        parts = settings_line(await app.painted(app.alice))
        assert parts[:2] == ["tiny", "88×48"]
