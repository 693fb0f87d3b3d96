"""/lora: from a Civitai link to a LoRA that paints, with its words, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import diffusers
import pytest

from cogs import Atelier
from tests.civitai_server import CivitaiServer, Version
from tests.cogs.app import PATIENCE, App, number, refused, settings_line, told
from tests.discord_server import Member, Message
from tests.hub_server import Fault, HubServer
from tests.tiny import adapters


@pytest.fixture
def owner(app: App) -> Member:
    return app.guild.add_member("developer")


@pytest.fixture
def civitai(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[CivitaiServer]:
    """A Civitai with nothing; what comes from there is kept with what comes from the Hub."""
    monkeypatch.delenv("CIVITAI_TOKEN", raising=False)
    with CivitaiServer() as server:
        yield server


@pytest.fixture
def ink(civitai: CivitaiServer, weights: Path, tmp_path: Path) -> Version:
    """A LoRA for the models of the house: civitai:5."""
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(weights)
    file = adapters.lora(tmp_path / "ink.safetensors", pipe, "unet", seed=1)
    return civitai.add(Version(5, file.read_bytes(), words=("foxx", "red fur")))


def opened(app: App, civitai: CivitaiServer, **engine: Any) -> AbstractAsyncContextManager[Atelier]:
    return app.open(engine={"civitai_url": civitai.endpoint} | engine)


async def offered(app: App, who: Member, source: str = "civitai:5", **more: Any) -> Message:
    use = await who.slash(app.art, "lora add", source=source, **more)
    return await use.message(PATIENCE)


async def shows(app: App, message: Message, text: str) -> None:
    await app.discord.until(lambda: re.search(text, message.text()), PATIENCE)


async def test_a_lora_is_offered_downloaded_and_painted_with_and_outlives_a_restart(
    app: App, civitai: CivitaiServer, ink: Version, owner: Member
) -> None:
    async with opened(app, civitai):
        message = await offered(app, owner, "https://civitai.com/models/50/fox")
        lines = message.text().splitlines()
        assert lines[0] == "**fox-v1.0** · civitai:5"
        assert re.fullmatch(r"LoRA, [\d.]+ kB, [\d.]+ kB to download", lines[1])
        assert lines[2:4] == [
            "For Stable Diffusion 1/2 models",
            "Licence: Civitai, selling pictures allowed: its author allows selling pictures",
        ]
        assert "Trigger words: `foxx, red fur`" in lines[4]
        assert message.labels == ["Download", "Cancel"]
        await owner.click(message, label="Download")
        await shows(app, message, r"Added\. Choose `fox-v1\.0` with the `lora` option")
    async with opened(app, civitai) as bot:
        choices = await app.alice.autocomplete(app.art, "imagine", "lora", "fox", prompt="x")
        assert [(choice.name, choice.value) for choice in choices] == [
            ("fox-v1.0: Fox v1.0", "fox-v1.0"),
            ("fox-v1.0 with its words: foxx, red fur", "fox-v1.0+"),
        ]
        picture = await app.painted(
            app.alice, "a Foxx in a wood --seed 3", lora="fox-v1.0+, fox-v1.0:0.5"
        )
        assert settings_line(picture)[-1] == "LoRA fox-v1.0 0.5"
        job = await bot.studio.job(number(picture))
        assert job.recipe.prompt == "a Foxx in a wood, red fur", "only the words that it lacks"


async def test_everyone_sees_what_a_lora_is_for(
    app: App, civitai: CivitaiServer, ink: Version, owner: Member
) -> None:
    async with opened(app, civitai):
        none = await told(await app.alice.slash(app.art, "lora info"))
        assert none.startswith("There are no LoRAs here yet.")
        message = await offered(app, owner, name="ink", weight=0.4, trigger="inky")
        await owner.click(message, label="Download")
        await shows(app, message, "Added")
        listed = await told(await app.alice.slash(app.art, "lora info"))
        assert listed.splitlines()[1] == "• **ink** Fox v1.0"
        lines = (await told(await app.alice.slash(app.art, "lora info", name="INK"))).splitlines()
        assert lines[:3] == [
            "**ink** Fox v1.0",
            "For Stable Diffusion 1/2 models",
            "Default weight: 0.4",
        ]
        assert "Trigger words: `inky`" in lines[3]
        assert lines[4:7] == [
            "More trigger words: `foxx`, `red fur`",
            "Trained on: SD 1.5",
            "Licence: Civitai, selling pictures allowed: its author allows selling pictures",
        ]
        assert "Source:" not in "\n".join(lines)
        owners = await told(await owner.slash(app.art, "lora info", name="ink"))
        assert owners.endswith("Source: civitai:5")
        [choice] = await app.alice.autocomplete(app.art, "lora info", "name", "fo")
        assert (choice.name, choice.value) == ("ink: Fox v1.0 · inky", "ink")


async def test_removing_asks_first(
    app: App, civitai: CivitaiServer, ink: Version, owner: Member
) -> None:
    async with opened(app, civitai) as bot:
        message = await offered(app, owner, name="ink")
        await owner.click(message, label="Download")
        await shows(app, message, "Added")
        [choice] = await owner.autocomplete(app.art, "lora remove", "name", "")
        assert choice.value == "ink"
        for label, said in (("Keep", "Kept **ink**."), ("Remove", "The LoRA **ink** was removed")):
            asked = await (await owner.slash(app.art, "lora remove", name="ink")).message(PATIENCE)
            assert asked.content.startswith("Remove the LoRA **ink**? It takes up")
            await owner.click(asked, label=label)
            await app.discord.until(lambda: said in asked.text(), PATIENCE)  # noqa: B023
        assert "ink" not in bot.studio.adapters
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", lora="ink")
        assert await told(use) == "There's no LoRA “ink”. None have been set up here."


async def test_only_the_owner_adds_and_removes(
    app: App, civitai: CivitaiServer, ink: Version
) -> None:
    async with opened(app, civitai):
        for command, values in (
            ("lora add", {"source": "civitai:5"}),
            ("lora remove", {"name": "x"}),
        ):
            refusal = await told(await app.alice.slash(app.art, command, **values))
            assert "owner" in refusal
    assert civitai.seen == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"name": "x.ckpt", "form": "PickleTensor"},
            "is a pickle (x.ckpt), which can run any code",
        ),
        ({"login": True}, "“civitai:5” needs a login on Civitai."),
        ({"kind": "Checkpoint"}, "is a model. Add it with `/model add`."),
    ],
    ids=["a pickle", "a login", "a model"],
)
async def test_what_cannot_be_had_is_said_and_nothing_is_added(
    app: App,
    civitai: CivitaiServer,
    ink: Version,
    owner: Member,
    changes: dict[str, Any],
    sentence: str,
) -> None:
    for key, value in changes.items():
        setattr(ink, key, value)
    async with opened(app, civitai) as bot:
        assert sentence in await refused(await owner.slash(app.art, "lora add", source="civitai:5"))
        assert not list(bot.studio.adapters)


async def test_a_file_whose_hash_differs_is_not_added_and_can_be_had_again(
    app: App, civitai: CivitaiServer, ink: Version, owner: Member
) -> None:
    async with opened(app, civitai) as bot:
        ink.fault = Fault(corrupt=True)
        message = await offered(app, owner, name="ink")
        await owner.click(message, label="Download")
        await shows(app, message, "doesn't match its checksum and was deleted")
        assert "ink" not in bot.studio.adapters
        ink.fault = Fault()
        await owner.click(message, label="Resume")
        await shows(app, message, "Added")


async def test_where_the_owner_keeps_a_file_is_not_told_to_the_channel(
    app: App, weights: Path, tmp_path: Path, owner: Member
) -> None:
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(weights)
    file = adapters.lora(tmp_path / "ink.safetensors", pipe, "unet", seed=1)
    async with app.open():
        message = await offered(app, owner, str(file))
        assert message.text().startswith("**ink** · ink.safetensors\n")
        aside = file.rename(tmp_path / "aside")
        await owner.click(message, label="Add")
        await shows(app, message, "“ink.safetensors” is neither a file nor a Hub ID")
        aside.rename(file)
        await owner.click(message, label="Resume")
        await shows(app, message, "Added")
        assert not any(str(tmp_path) in look.text() for look in message.looks)
        file.unlink()
        text = await told(await app.alice.slash(app.art, "lora info", name="ink"))
        assert "Its file isn't there any more." in text
        model = await (await owner.slash(app.art, "model add", source=str(weights))).message()
        assert str(weights.parent) not in model.text()
