"""/style: named ways to paint, for everybody in a server."""

from __future__ import annotations

import pytest

from tests.cogs.app import App, settings_line, told
from tests.discord_server import Member, Permissions

INK = {
    "Template (include {prompt})": "{prompt} in ink",
    "Negative prompt": "colour",
    "Model (empty for the server's model)": "other",
}


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


async def add(app: App, manager: Member, name: str = "ink", **changes: str) -> str:
    """Add a style; what the bot says to that."""
    modal = await (await manager.slash(app.art, "style add", name=name)).modal()
    return await told(await manager.submit(modal, INK | changes))


async def test_a_style_is_laid_around_prompts_and_named_by_anybody(
    app: App, manager: Member
) -> None:
    async with app.open():
        assert await add(app, manager) == (
            "Saved. Use it with `/imagine style:ink`.\n"
            "- **ink** {prompt} in ink · without colour · other"
        )
        choices = await app.alice.autocomplete(app.art, "imagine", "style", "IN", prompt="x")
        assert [(c.name, c.value) for c in choices] == [("ink: {prompt} in ink", "ink")]
        message = await app.painted(app.alice, "a fish --no rain --steps 1", style="INK", seed=5)
        assert message.text().startswith("**a fish in ink**")
        parts = settings_line(message)
        assert (parts[0], parts[-1]) == ("other", "without rain, colour")
        parts = settings_line(await app.painted(app.alice, "x", style="ink", model="tiny"))
        assert parts[0] == "tiny"
        refusal = await told(await app.alice.slash(app.art, "imagine", prompt="x", style="inc"))
        assert refusal == "There's no style “inc”. Did you mean “ink”?"


async def test_it_is_changed_listed_and_removed(app: App, manager: Member) -> None:
    async with app.open():
        listed = await told(await app.alice.slash(app.art, "style list"))
        assert listed == "No styles here yet. Add one with `/style add`."
        await add(app, manager)
        use = await manager.slash(app.art, "style add", name="Ink")
        assert await told(use) == ("The style “Ink” already exists. Change it with `/style edit`.")
        modal = await (await manager.slash(app.art, "style edit", name="ink")).modal()
        assert modal.prefilled() == INK
        await manager.submit(
            modal, {"Negative prompt": "", "Model (empty for the server's model)": ""}
        )
        listed = await told(await app.alice.slash(app.art, "style list"))
        assert listed == "- **ink** {prompt} in ink"
        choices = await manager.autocomplete(app.art, "style remove", "name", "")
        assert [choice.value for choice in choices] == ["ink"]
        use = await manager.slash(app.art, "style remove", name="ink")
        assert await told(use) == "Removed the style **ink**."
        refusal = await told(await manager.slash(app.art, "style edit", name="ink"))
        assert refusal == "There's no style “ink”. None have been added here."


async def test_a_modal_that_is_sent_after_a_restart_is_taken_in(app: App, manager: Member) -> None:
    async with app.open():
        modal = await (await manager.slash(app.art, "style add", name="ink")).modal()
    async with app.open():
        assert (await told(await manager.submit(modal, INK))).startswith("Saved.")


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("in ink", {}, "“in ink” isn't a valid name"),
        ("none", {}, "“none” means no style"),
        (
            "ink",
            {"Template (include {prompt})": "{prompt} --ar 3:2"},
            "A style can't contain flags",
        ),
        ("ink", {"Model (empty for the server's model)": "othre"}, "Did you mean “other”?"),
    ],
)
async def test_what_cannot_be_a_style_is_told(
    app: App, manager: Member, name: str, changes: dict[str, str], sentence: str
) -> None:
    async with app.open():
        use = await manager.slash(app.art, "style add", name=name)
        if use.response == 9:
            use = await manager.submit(await use.modal(), INK | changes)
        assert sentence in await told(use)
        listed = await told(await app.alice.slash(app.art, "style list"))
        assert listed.startswith("No styles here yet.")


@pytest.mark.parametrize("command", ["add", "edit", "remove"])
async def test_it_takes_manage_server(app: App, command: str) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, f"style {command}", name="ink")
        assert "Manage Server" in await told(use)


async def test_who_may_no_longer_manage_the_server_is_refused_when_they_send_it(
    app: App, manager: Member
) -> None:
    async with app.open():
        modal = await (await manager.slash(app.art, "style add", name="ink")).modal()
        manager.roles.clear()
        assert "Manage Server" in await told(await manager.submit(modal, INK))


async def test_a_style_whose_model_is_not_allowed_any_more_paints_with_the_servers(
    app: App, manager: Member
) -> None:
    async with app.open():
        await add(app, manager)
        await manager.slash(app.art, "model allow", names="tiny")
        assert settings_line(await app.painted(app.alice, style="ink"))[0] == "tiny"
