"""/model default and /model allow: what a server decides about its models."""

from __future__ import annotations

import pytest

from tests.cogs.app import App, refused, settings_line, told
from tests.discord_server import Member, Permissions


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def test_a_servers_defaults_fill_what_a_member_leaves_open(app: App, manager: Member) -> None:
    poets = app.discord.add_guild("Poets")
    den, zoe = poets.add_channel("den"), poets.add_member("zoe")
    async with app.open():
        more = {"steps": 3, "guidance": 2.5, "size": "64x96", "scheduler": "euler"}
        use = await manager.slash(app.art, "model default", name="tiny", **more)
        assert await told(use) == (
            "Defaults of **tiny** here: 3 steps · guidance 2.5 · 64×96 · scheduler euler."
        )
        parts = settings_line(await app.painted(app.alice))
        assert parts[:5] == ["tiny", "64×96", "3 steps", "guidance 2.5", "euler"]
        parts = settings_line(await app.painted(app.alice, steps=1, scheduler="ddim"))
        assert parts[:5] == ["tiny", "64×96", "1 step", "guidance 2.5", "ddim"]
        parts = settings_line(await app.painted(zoe, where=den))
        assert parts[:5] == ["tiny", "64×64", "2 steps", "guidance 7", "ddim"]
        text = await told(await app.alice.slash(app.art, "model info", name="tiny"))
        assert "Defaults in this server: 3 steps · guidance 2.5 · 64×96 · scheduler euler" in text


async def test_defaults_are_changed_one_by_one_and_a_name_alone_takes_them_back(
    app: App, manager: Member
) -> None:
    async with app.open():
        await manager.slash(app.art, "model default", name="tiny", steps=3)
        use = await manager.slash(app.art, "model default", name="tiny", guidance=1)
        assert await told(use) == "Defaults of **tiny** here: 3 steps · guidance 1."
        use = await manager.slash(app.art, "model default", name="tiny")
        assert await told(use) == "**tiny** now uses its own defaults here."
        text = await told(await app.alice.slash(app.art, "model info", name="tiny"))
        assert "Defaults in this server" not in text


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"size": "4000x4000"}, "The width is 4000 pixels, but tiny paints 32 to 128."),
        ({"scheduler": "eular"}, "There's no scheduler “eular”"),
        ({"size": "huge"}, "“huge” isn't a valid size."),
    ],
)
async def test_a_default_that_the_model_cannot_paint_is_refused(
    app: App, manager: Member, more: dict[str, str], sentence: str
) -> None:
    async with app.open() as bot:
        use = await manager.slash(app.art, "model default", name="tiny", **more)
        assert (await told(use)).startswith(sentence)
        assert not (await bot.studio.server_models.defaults(f"guild:{app.guild.id}", "tiny")).chosen


async def test_what_is_not_allowed_is_neither_painted_with_nor_offered(
    app: App, manager: Member
) -> None:
    async with app.open():
        use = await manager.slash(app.art, "model allow", names="tiny, other")
        assert await told(use) == "Models allowed here: tiny, other. This server uses **tiny**."
        refusal = await told(await app.alice.slash(app.art, "imagine", prompt="x", model="slow"))
        assert refusal == "The model “slow” isn't allowed here. Allowed models: tiny, other."
        choices = await app.alice.autocomplete(app.art, "imagine", "model", "", prompt="x")
        assert [choice.value for choice in choices] == ["tiny", "other"]
        text = await told(await app.alice.slash(app.art, "model list"))
        assert "-# Not allowed here: sketch, slow, broken" in text.splitlines()
        assert text.count("•") == 1
        use = await manager.slash(app.art, "model allow")
        assert (await told(use)).startswith("All models are allowed here.")
        text = await told(await app.alice.slash(app.art, "model list"))
        assert text.count("•") == 4


async def test_who_forbids_the_servers_own_model_is_told_what_paints_instead(
    app: App, manager: Member
) -> None:
    async with app.open():
        use = await manager.slash(app.art, "model allow", names="other")
        assert await told(use) == "Models allowed here: other. This server uses **other**."
        assert settings_line(await app.painted(app.alice, steps=1))[0] == "other"
        use = await manager.slash(app.art, "model use", name="tiny")
        assert await refused(use) == ("The model “tiny” isn't allowed here. Allowed models: other.")
        use = await manager.slash(app.art, "model allow", names="other, othre")
        assert "There's no model “othre”. Did you mean “other”?" in await told(use)


@pytest.mark.parametrize("command", ["default", "allow"])
async def test_it_takes_manage_server(app: App, command: str) -> None:
    more = {"name": "tiny", "steps": 3} if command == "default" else {"names": "tiny"}
    async with app.open():
        refusal = await told(await app.alice.slash(app.art, f"model {command}", **more))
        assert "Manage Server" in refusal


async def test_what_is_typed_completes(app: App, manager: Member) -> None:
    async with app.open():

        async def offered(command: str, option: str, typed: str, **more: str) -> list[str]:
            choices = await manager.autocomplete(app.art, f"model {command}", option, typed, **more)
            return [choice.value for choice in choices]

        assert await offered("allow", "names", "tin") == ["tiny"]
        assert await offered("allow", "names", "slow, oth") == ["slow, other"]
        assert (await offered("default", "size", "", name="other"))[0] == "88x88"
        assert await offered("default", "scheduler", "2m_k", name="tiny") == ["dpmpp_2m_karras"]
