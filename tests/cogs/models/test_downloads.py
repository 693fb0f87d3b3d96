"""/model add and /model remove: from a source to a model that paints, and back."""

from __future__ import annotations

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cogs import Atelier
from cogs.models.pending_models import PendingModels
from tests.cogs.app import PATIENCE, App, refused, settings_line, told, told_after, until
from tests.discord_server import Member, Message, Permissions
from tests.hub_server import Fault, HubServer, Repository

UNET = "unet/diffusion_pytorch_model.safetensors"
STUCK = 400_000
"""Bytes of the UNet after which a stuck download stands still."""


@pytest.fixture
def owner(app: App) -> Member:
    """The account that the application belongs to, on the server like anybody else."""
    return app.guild.add_member("developer")


@pytest.fixture
def stuck(fox: Repository) -> Fault:
    """The UNet does not come to its end until this is taken away."""
    fox.faults[UNET] = Fault(stall_after=STUCK)
    return fox.faults[UNET]


def opened(app: App, hub: HubServer, **more: Any) -> AbstractAsyncContextManager[Atelier]:
    """The house, with a way to the Hub."""
    return app.open(engine={"hub_url": hub.endpoint}, **more)


async def offered(app: App, who: Member, **more: Any) -> Message:
    """Use `/model add`: the card with what would come."""
    values = {"source": "someone/fox"} | more
    return await (await who.slash(app.art, "model add", **values)).message(PATIENCE)


async def shows(app: App, message: Message, text: str) -> None:
    """Wait until the message says so."""
    await app.discord.until(lambda: re.search(text, message.text()), PATIENCE)


async def test_the_offer_tells_size_family_licence_and_plan_and_downloads_nothing(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub) as bot:
        use = await owner.slash(app.art, "model add", source="someone/fox")
        assert use.acknowledged_after < 1
        lines = (await use.message(PATIENCE)).text().splitlines()
        assert lines[0] == "**fox** · someone/fox"
        assert re.fullmatch(r"Stable Diffusion 1/2 · [\d.]+ MB, [\d.]+ MB to download", lines[1])
        assert lines[2] == "Licence: openrail: commercial use allowed; some uses are prohibited"
        assert lines[3].startswith("Plan: everything on the device")
        assert lines[4].startswith("Expected peak memory: ")
        assert (await use.message()).labels == ["Download", "Cancel"]
        assert hub.sent(UNET) < STUCK
        assert "fox" not in bot.studio.models


async def test_what_is_downloaded_can_be_used_at_once(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner, name="reynard")
        await owner.click(message, label="Download")
        await shows(app, message, "Added. Switch to it with `/model use reynard`")
        assert message.labels == []
        size: dict[str, Any] = {"size": "256x256", "steps": 1}
        picture = await app.painted(app.alice, model="reynard", **size)
        assert settings_line(picture)[0] == "reynard"
        [choice] = await owner.autocomplete(app.art, "model remove", "name", "")
        assert choice.value == "reynard"


async def test_progress_is_told_and_a_stopped_download_goes_on_from_where_it_was(
    app: App, hub: HubServer, fox: Repository, stuck: Fault, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner)
        await owner.click(message, label="Download")
        await shows(app, message, r"⬇️ ▰*▱+ \d+% · [\d.]+ [kM]B of [\d.]+ MB")
        assert message.labels == ["Stop"]
        await owner.click(message, label="Stop")
        await shows(app, message, r"Stopped at [\d.]+ [kM]B of [\d.]+ MB")
        fox.faults.clear()
        await owner.click(message, label="Resume")
        await shows(app, message, "Added")
        assert hub.sent(UNET) < len(fox.files[UNET].content) + STUCK


async def test_two_clicks_are_one_download(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner)
        await asyncio.gather(*(owner.click(message, label="Download") for _ in range(2)))
        await shows(app, message, "Added")
        assert "⚠️" not in "".join(look.text() for look in message.looks)
        assert hub.sent(UNET) < len(fox.files[UNET].content) + STUCK


async def test_after_a_restart_the_message_says_so_and_its_button_goes_on(
    app: App, hub: HubServer, fox: Repository, stuck: Fault, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner)
        await owner.click(message, label="Download")
        await app.discord.until(lambda: hub.sent(UNET) >= STUCK or "▱" in message.text())
    app.discord.expire_tokens()
    fox.faults.clear()
    async with opened(app, hub) as bot:
        await shows(app, message, "Interrupted: the bot restarted")
        assert message.labels == ["Resume", "Cancel"]
        await owner.click(message, label="Resume")
        await shows(app, message, "Added")
        assert "fox" in bot.studio.models


async def test_what_was_added_just_before_the_program_ended_is_not_called_interrupted(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub) as bot:
        message = await offered(app, owner)
        stored = PendingModels(bot.studio)
        [pending] = (await stored.all()).values()
        await stored.save(replace(pending, downloading=True))
        await bot.studio.model_manager.add(
            await bot.studio.model_manager.candidate(pending.source, **pending.source_options)
        )
    async with opened(app, hub) as bot:
        await shows(app, message, "Added. Switch to it with `/model use fox`")
        await until(PendingModels(bot.studio).all, lambda kept: not kept)


async def test_it_outlives_the_token_of_whoever_asked(
    app: App, hub: HubServer, fox: Repository, stuck: Fault, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner)
        await owner.click(message, label="Download")
        await shows(app, message, "▱")
        app.discord.expire_tokens()
        await owner.click(message, label="Stop")
        await shows(app, message, "Stopped")


async def test_an_offer_that_nobody_wants_is_forgotten(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner)
        download = message.buttons[0]["custom_id"]
        await owner.click(message, label="Cancel")
        await shows(app, message, "Cancelled.")
        assert message.labels == []
        assert len(download) <= 100


async def test_only_the_owner_and_the_roles_they_named_fill_the_disk(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    role = app.guild.add_role("keepers")
    moderation = app.guild.add_member("keeper", roles=[role])
    manager = app.guild.add_member("manager", permissions=Permissions(manage_guild=True))
    sentence = (
        "Only the bot's owner or members with a role in the owner's admin_roles setting can "
        "add and remove models."
    )
    async with opened(app, hub, admin_roles=(role.id,)) as bot:
        for command, more in (("add", {"source": "someone/fox"}), ("remove", {"name": "tiny"})):
            use = await manager.slash(app.art, f"model {command}", **more)
            assert await told(use) == sentence
        message = await offered(app, moderation)
        assert await told(await manager.click(message, label="Download")) == sentence
        assert message.labels == ["Download", "Cancel"]
        assert "fox" not in bot.studio.models


@pytest.mark.parametrize(
    ("role", "may"), [("admin", True), ("developer", True), ("read_only", False)]
)
async def test_of_a_team_those_may_who_may_change_the_application(
    app: App, hub: HubServer, fox: Repository, owner: Member, role: str, may: bool
) -> None:
    app.discord.world.team = {"tess": role}
    tess = app.guild.add_member("tess")
    async with opened(app, hub):
        assert (await offered(app, owner)).labels == ["Download", "Cancel"]
        use = await tess.slash(app.art, "model add", source="someone/fox")
        assert (use.response == 5) is may
        assert (await use.message()).ephemeral is not may


async def test_what_cannot_be_had_is_told_to_whoever_asked_alone(
    app: App, hub: HubServer, owner: Member, fox: Repository
) -> None:
    async with opened(app, hub):
        for source, sentence in (
            ("someone/else", "someone/else"),
            ("no-such-thing.safetensors", "“no-such-thing.safetensors” is neither a file"),
        ):
            use = await owner.slash(app.art, "model add", source=source)
            assert sentence in await refused(use)
        use = await owner.slash(app.art, "model add", source="someone/fox", name="tiny")
        assert "There's already a model named “tiny”" in await refused(use)


async def test_a_gated_model_says_so_and_one_that_is_here_under_which_name(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    fox.gated = True
    hub.members.add("hf_accepted")
    async with opened(app, hub):
        use = await owner.slash(app.art, "model add", source="someone/fox")
        assert "someone/fox" in await refused(use)
    token = {"hub_url": hub.endpoint, "hub_token": "hf_accepted"}
    async with app.open(engine=token):
        message = await offered(app, owner)
        assert "Gated: the account behind my token" in message.text()
        await owner.click(message, label="Download")
        await shows(app, message, "Added")
        message = await offered(app, owner)
        assert message.text().startswith("**fox-2** · someone/fox")
        assert "The same model is already here as **fox**." in message.text()
        assert "already on disk" in message.text()
        assert message.labels == ["Add", "Cancel"]


async def test_a_download_that_fails_says_why_and_can_go_on(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub):
        message = await offered(app, owner)
        fox.faults[UNET] = Fault(corrupt=True)
        await owner.click(message, label="Download")
        await shows(app, message, "⚠️ .*[.:]")
        fox.faults.clear()
        await owner.click(message, label="Resume")
        await shows(app, message, "Added")


async def test_removing_asks_first_and_tells_what_was_freed(
    app: App, hub: HubServer, fox: Repository, owner: Member, tmp_path: Path
) -> None:
    async with opened(app, hub) as bot:
        message = await offered(app, owner)
        await owner.click(message, label="Download")
        await shows(app, message, "Added")
        question = await (await owner.slash(app.art, "model remove", name="fox")).message()
        assert question.ephemeral
        assert re.match(r"Remove \*\*fox\*\*\? It takes up [\d.]+ MB on disk", question.text())
        await owner.click(question, label="Keep")
        await shows(app, question, "Kept")
        assert "fox" in bot.studio.models
        question = await (await owner.slash(app.art, "model remove", name="fox")).message()
        await owner.click(question, label="Remove")
        await shows(app, question, r"\*\*fox\*\* was removed, which freed [\d.]+ MB")
        assert "fox" not in bot.studio.models
        assert not any((tmp_path / "hub").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("sketch", "built in"), ("tiny", "settings file"), ("fix", "There's no model “fix”")],
)
async def test_what_was_not_added_by_command_is_not_removed_by_one(
    app: App, owner: Member, name: str, sentence: str
) -> None:
    async with app.open():
        assert sentence in await told(await owner.slash(app.art, "model remove", name=name))


async def test_a_button_whose_order_is_forgotten_says_what_to_do(
    app: App, hub: HubServer, fox: Repository, owner: Member
) -> None:
    async with opened(app, hub) as bot:
        message = await offered(app, owner)
        await bot.studio.preferences.set("discord", "orders", "[]")
        sentence = await told_after(await owner.click(message, label="Download"))
        assert sentence == "This has expired. Run the command that asked for it again."
