"""/model: which one paints where, and who decides."""

from __future__ import annotations

import re

import pytest

from engine import ModelSettings
from tests.cogs.app import App, settings_line, told
from tests.discord_server import Permissions


async def test_the_list_marks_the_one_in_use_and_what_each_can(klein: App) -> None:
    app = klein
    async with app.open():
        text = await told(await app.alice.slash(app.art, "model list"))
        first, *lines, legend = text.splitlines()
        assert legend == "-# 🖼️ starts from pictures · 🪄 repaints parts · 🖌️ edits by words"
        assert [line.endswith("** 🖼️🪄🖌️") for line in lines] == [*[False] * 5, True]
        assert lines[1] == "**→** **tiny** 🖼️🪄"
        assert first == "This server uses **tiny**."
        assert [line.split("**")[-2] for line in lines] == [
            "sketch",
            "tiny",
            "other",
            "slow",
            "broken",
            "klein",
        ]
        assert [line.startswith("**→**") for line in lines] == [
            False,
            True,
            False,
            False,
            False,
            False,
        ]


async def test_using_a_model_takes_manage_server_or_a_named_role(app: App) -> None:
    role = app.guild.add_role("keepers")
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    moderation = app.guild.add_member("keeper", roles=[role])
    async with app.open(admin_roles=(role.id,)) as bot:
        scope = f"guild:{app.guild.id}"
        refusal = await told(await app.alice.slash(app.art, "model use", name="other"))
        assert "Manage Server" in refusal
        assert (await bot.studio.model_of(scope)).name == "tiny"
        for who, name in ((manager, "other"), (moderation, "slow")):
            message = await (await who.slash(app.art, "model use", name=name)).message()
            assert not message.ephemeral
            assert message.text().startswith(f"This server now paints with **{name}**.")
            assert (await bot.studio.model_of(scope)).name == name


async def test_the_next_job_uses_it_and_what_is_queued_keeps_its_own(app: App) -> None:
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    async with app.open():
        blocker = await app.occupy()
        before = await app.ask(app.alice)
        await (await manager.slash(app.art, "model use", name="other")).message()
        after = await app.ask(app.alice)
        named = await app.ask(app.alice, model="tiny")
        await app.free(blocker)
        for message, model in ((before, "tiny"), (after, "other"), (named, "tiny")):
            await app.done(message)
            assert settings_line(message)[0] == model


async def test_the_choice_survives_a_restart_and_is_one_servers_own(app: App) -> None:
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    poets = app.discord.add_guild("Poets")
    den, zoe = poets.add_channel("den"), poets.add_member("zoe")
    async with app.open():
        await (await manager.slash(app.art, "model use", name="other")).message()
    async with app.open():
        message = await app.painted(app.alice)
        assert settings_line(message)[:2] == ["other", "128×64"]
        message = await app.painted(zoe, where=den)
        assert settings_line(message)[0] == "tiny"


@pytest.mark.parametrize("command", ["model use", "model info"])
async def test_an_unknown_name_gets_the_nearest_that_there_is(app: App, command: str) -> None:
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    async with app.open():
        refusal = await told(await manager.slash(app.art, command, name="othre"))
        assert refusal.startswith("There's no model “othre”. Did you mean “other”? Models: ")


async def test_info_tells_defaults_and_sizes(app: App) -> None:
    async with app.open():
        text = await told(await app.alice.slash(app.art, "model info", name="slow"))
        assert "150 steps · guidance 7 · scheduler heun" in text
        assert "1:1 128×128" in text
        assert "or 32 to 128 pixels per side in steps of 8" in text
        assert text.splitlines()[-1] == "🖼️ starts from pictures · 🪄 repaints parts"
        text = await told(await app.alice.slash(app.art, "model info"))
        assert text.startswith("**tiny**")


async def test_info_tells_members_how_fast_it_is_and_its_owner_how_it_runs(app: App) -> None:
    owner = app.guild.add_member("developer")
    async with app.open():
        await app.painted(app.alice)
        text = await told(await app.alice.slash(app.art, "model info"))
        assert re.search(r"^A picture of 64×64 takes about 1 s here\.$", text, re.MULTILINE)
        assert not re.search("Files|Measured|Plan|memory|unet", text)
        said = await told(await owner.slash(app.art, "model info"))
        assert re.search(r"^Files: on disk, [\d.]+ MB$", said, re.MULTILINE)
        assert re.search(r"^Measured at 64×64 · .* s per step$", said, re.MULTILINE)
        assert re.search(
            r"^Plan: everything on the device; takes 1.00 × as long", said, re.MULTILINE
        )
        assert re.search(r"^Expected peak memory: [\d.]+ .* free on ", said, re.MULTILINE)
        assert re.search(r"^• unet [\d.]+ .*: on the device$", said, re.MULTILINE)


async def test_info_of_a_model_that_is_not_there_tells_the_rest(app: App) -> None:
    async with app.open():
        for who in (app.alice, app.guild.add_member("developer")):
            text = await told(await who.slash(app.art, "model info", name="broken"))
            assert text.startswith("**broken**")
            assert "Files: folder not found" in text
            assert ("⚠️" in text) is (who is not app.alice)


async def test_a_model_that_is_not_configured_any_more_gives_way_to_the_default(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        await bot.studio.use_model("other", f"guild:{app.guild.id}")
    models = app.models()
    del models["other"]
    monkeypatch.setattr(app, "models", lambda: models)
    async with app.open():
        assert settings_line(await app.painted(app.alice))[0] == "tiny"


async def test_many_models_fit_into_a_list_an_autocomplete_and_a_refusal(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {
        f"model-{i:02}-{'x' * 30}": ModelSettings(source="nowhere", description="y" * 100)
        for i in range(60)
    }
    models = app.models() | many
    monkeypatch.setattr(app, "models", lambda: models)
    async with app.open():
        text = await told(await app.alice.slash(app.art, "model list"))
        assert len(text) <= 2000
        assert text.startswith("This server uses **tiny**.")
        assert text.endswith("…")
        choices = await app.alice.autocomplete(app.art, "imagine", "model", "", prompt="x")
        assert len(choices) == 25
        refusal = await told(
            await app.alice.slash(app.art, "imagine", prompt="x", model="nothing like it")
        )
        assert refusal.startswith("There's no model “nothing like it”.")
