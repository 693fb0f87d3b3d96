"""/train publish: the card is shown before anything leaves; every failure is a sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from unittest.mock import patch

import pytest
import yaml

from engine.hub import HubClient
from engine.hub.publishing import Publication, UploadProgress
from tests.cogs.app import App, refused, told, told_after
from tests.discord_server import Member, Message, Permissions
from tests.hub_server import HubAccount, HubServer

from .steps import number_of, service, shows, started, with_lora

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""huggingface_hub 2.4 sends large files as `data`."""

Progress = Callable[[UploadProgress], None]

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def owner(app: App) -> Member:
    """The bot's owner."""
    return app.guild.add_member("developer", permissions=Permissions(moderate_members=True))


@pytest.fixture
def vixen(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """A Hub with an account whose token is in the settings."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    hub.welcome(HubAccount("vixen", TOKEN))
    hub.welcome(HubAccount("vixen", "hf_reader", role="read"))
    return hub


def engine(hub: HubServer, token: str = TOKEN) -> dict[str, str]:
    return {"hub_url": hub.endpoint, "hub_token": token}


async def asked(app: App, who: Member, number: int, **options: str) -> Message:
    """What is shown before anything leaves."""
    use = await who.slash(app.art, "train publish", training=number, **options)
    return await use.message()


async def test_the_card_is_shown_then_a_click_publishes_it_even_after_a_restart(
    scripted: App, owner: Member, mod: Member, vixen: HubServer
) -> None:
    app = scripted
    async with app.open(engine=engine(vixen)) as bot:
        number = number_of(await started(app, bot, owner))
        refusal = await told(await owner.slash(app.art, "train publish", training=number))
        assert refusal == "“zork” is waiting for its turn. Only a finished one can be published."
        await service(bot).finish(number)
        gone = await refused(await owner.slash(app.art, "train publish", training=number))
        assert gone == "The LoRA “zork” isn't there any more."
        file = await with_lora(bot, number, ss_train_data_dir="/home/somebody/pictures")
        message = await asked(app, owner, number)
        assert message.ephemeral
        assert "as `vixen/zork`" in message.text()
        assert "license: creativeml-openrail-m" in message.text()
        assert "folders of this machine: `ss_train_data_dir`" in message.text()
        assert [each.filename for each in message.attachments] == ["README.md", "samples.webp"]
        refusal = await told(await mod.slash(app.art, "train publish", training=number))
        assert refusal.startswith("Only the bot's owner can publish LoRAs")
    assert vixen.repository("vixen/zork") is None
    vixen.uploads.failing_commits = 1
    async with app.open(engine=engine(vixen)):
        await owner.click(message, label="Publish privately")
        await shows(app, message, "what was uploaded is kept")
        await owner.click(message, label="Publish privately")
        await shows(app, message, rf"✅ \*\*zork\*\* is published: {vixen.endpoint}/vixen/zork")
        assert not message.buttons
    there = vixen.repository("vixen/zork")
    assert there is not None
    assert there.private
    assert there.files["zork.safetensors"].content == file.read_bytes()
    assert vixen.uploads.received[there.files["zork.safetensors"].etag] == 1
    text = there.files["README.md"].content.decode()
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["instance_prompt"] == "zork"
    assert [each["output"]["url"] for each in head["widget"]][:1] == ["images/1.png"]
    assert "zork" in head["widget"][0]["text"]
    assert "| Steps | 40 |" in text
    assert "(images/training.png)" in text
    assert {"images/1.png", "images/training.png"} <= there.files.keys()


async def test_cancel_ends_an_upload_and_what_all_see_is_not_published_privately(
    scripted: App, owner: Member, vixen: HubServer
) -> None:
    app = scripted
    gate = threading.Event()

    def publish(publication: Publication, hub: HubClient, on_progress: Progress) -> str:
        on_progress(UploadProgress("zork.safetensors", 0, 10))
        assert gate.wait(60)
        on_progress(UploadProgress("images/1.png", 5, 10))
        raise AssertionError("it was cancelled")

    async with app.open(engine=engine(vixen)) as bot:
        number = number_of(await started(app, bot, owner))
        await service(bot).finish(number)
        file = await with_lora(bot, number)
        message = await asked(app, owner, number)
        with patch("engine.training.publishing.publish", publish):
            await owner.click(message, label="Publish privately")
            await shows(app, message, "Uploading `zork.safetensors`")
            await owner.click(message, label="Cancel")
            gate.set()
            await shows(app, message, "You cancelled it: nothing was published.")
        there = vixen.add("vixen/zork", file.parent / "none")
        there.private = False
        await owner.click(message, label="Publish privately")
        await shows(app, message, "Everybody sees “vixen/zork” on the Hub.")
        assert message.labels == ["Publish publicly", "Cancel"]
        again = await asked(app, owner, number)
        assert again.labels == ["Publish publicly", "Cancel"]


async def test_a_second_click_publishes_nothing_that_cancel_does_not_end(
    scripted: App, owner: Member, vixen: HubServer
) -> None:
    app = scripted
    gate = threading.Event()
    uploads = []

    def publish(publication: Publication, hub: HubClient, on_progress: Progress) -> str:
        uploads.append(publication)
        on_progress(UploadProgress("zork.safetensors", 0, 10))
        assert gate.wait(60)
        on_progress(UploadProgress("images/1.png", 5, 10))
        return "published"

    async with app.open(engine=engine(vixen)) as bot:
        number = number_of(await started(app, bot, owner))
        await service(bot).finish(number)
        await with_lora(bot, number)
        message = await asked(app, owner, number)
        with patch("engine.training.publishing.publish", publish):
            await owner.click(message, label="Publish publicly")
            again = await owner.click(message, label="Publish publicly")
            assert await told_after(again) == "It is being published already."
            await shows(app, message, "Uploading `zork.safetensors`")
            other = await asked(app, owner, number, repo="other")
            assert "as `vixen/other`" in other.text()
            await owner.click(message, label="Cancel")
            gate.set()
            await shows(app, message, "You cancelled it: nothing was published.")
        assert len(uploads) == 1


async def test_what_cannot_be_published_is_a_sentence(
    scripted: App, owner: Member, vixen: HubServer
) -> None:
    app = scripted
    async with app.open(engine=engine(vixen)) as bot:
        number = number_of(await started(app, bot, owner))
        await service(bot).finish(number)
        file = await with_lora(bot, number)
        vixen.add("vixen/taken", file.parent / "pictures")
        for options, sentence in (
            ({"repo": "taken"}, "is already on the Hub, and something else is in it."),
            ({"repo": "fox/zork"}, "The account “vixen” can't publish as “fox”."),
            ({"repo": "a//b"}, "“a//b” isn't a name on the Hub."),
            ({"licence": "My own"}, "“My own” isn't a licence of the Hub"),
        ):
            use = await owner.slash(app.art, "train publish", training=number, **options)
            assert sentence in await refused(use)
        message = await asked(app, owner, number)
        await asked(app, owner, number, repo="other")
        stale = await told_after(await owner.click(message, label="Publish publicly"))
        assert stale.startswith("What would be published has changed since this was shown.")
        await owner.click(message, label="Cancel")
        await shows(app, message, "Nothing was published.")
    for changes, sentence in (
        (engine(vixen, "hf_reader"), "This token can't write to “vixen/zork”"),
        (engine(vixen, "hf_nobody"), "The Hub rejected the token."),
        ({"hub_url": "http://127.0.0.1:9", "hub_token": TOKEN}, "The Hub can't be reached."),
    ):
        async with app.open(engine=changes):
            use = await owner.slash(app.art, "train publish", training=number)
            assert sentence in await refused(use)
    assert vixen.repository("vixen/zork") is None
    assert vixen.repository("vixen/other") is None
