"""`hub push`, and what it published pulled back from the Hub."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cli.exits import Exit
from engine.models.added import DATABASE
from engine.settings import StoredAdapter
from engine.store import AdapterTable, Database
from tests.cli.conftest import Atelier
from tests.cli.hub.conftest import TOKEN
from tests.hub_server import HubAccount, HubServer

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""huggingface_hub 2.4 sends large files as `data`."""

PUSH = ("hub", "push", "fog", "--yes")
METADATA = {
    "ss_base_model_version": "sd_v1",
    "modelspec.trigger_phrase": "zork",
    "modelspec.description": "A figure of twelve pictures.",
    "ss_train_data_dir": "/home/somebody/pictures",
}


@pytest.fixture
def logged_in(account: HubAccount, store: Path) -> HubAccount:
    store.parent.mkdir(parents=True, exist_ok=True)
    store.write_text(account.token)
    return account


@pytest.fixture
def fog(logged_in: HubAccount, tiny_model: Path, workplace: Path) -> Path:
    """A LoRA of the owner's, for the tiny model, with what a trainer says of it."""
    from diffusers import StableDiffusionPipeline

    from tests.tiny import adapters

    pipe = StableDiffusionPipeline.from_pretrained(tiny_model)
    file = workplace / "data" / "loras" / "fog.safetensors"
    adapters.lora(file, pipe, "unet", seed=1)
    save_file(load_file(file), file, metadata=METADATA)
    return file


def head(card: bytes) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(card.decode().split("---\n")[1])
    return read


def picture(file: Path) -> bytes:
    with Image.open(file) as image:
        return image.tobytes()


@pytest.mark.slow  # it imports torch and paints
def test_a_published_lora_comes_back_and_paints_the_same(
    atelier: Atelier, fog: Path, server: HubServer, tiny_model: Path, workplace: Path
) -> None:
    assert atelier("models", "add", str(tiny_model), "--yes", "--name", "guest").code is Exit.FINE

    def paint(lora: str, prompt: str, folder: str) -> Path:
        options = "--model guest --width 256 --height 256 --steps 1 --seed 3"
        result = atelier("imagine", prompt, "--lora", lora, "--out", folder, *options.split())
        assert result.code is Exit.FINE, result.err
        [file] = (workplace / folder).glob("*.png")
        return file

    mine = paint("fog", "zork fish", "mine")
    pushed = atelier(*PUSH, "--sample", str(mine))
    assert pushed.code is Exit.FINE, pushed.err
    assert f"✓ Published: {server.endpoint}/vixen/fog\n" in pushed.out
    assert "Its metadata names folders of this machine: ss_train_data_dir\n" in pushed.out
    assert TOKEN not in pushed.out + pushed.err
    there = server.repository("vixen/fog")
    assert there is not None
    assert there.private
    assert there.files["fog.safetensors"].content == fog.read_bytes()
    card = there.files["README.md"].content
    assert card.decode() in pushed.out
    written = head(card)
    assert written["base_model"] == "stable-diffusion-v1-5/stable-diffusion-v1-5"
    assert written["license"] == "creativeml-openrail-m"
    assert written["instance_prompt"] == "zork"
    assert written["widget"] == [{"text": "zork fish", "output": {"url": "images/1.png"}}]
    assert {"lora", "diffusers", "template:sd-lora", "atelier"} <= set(written["tags"])
    sample = there.files["images/1.png"].content
    assert b"Steps:" not in sample
    assert b"trainedAlgorithmicMedia" in sample
    added = atelier("loras", "add", "vixen/fog", "--yes", "--name", "back")
    assert added.code is Exit.FINE, added.err
    assert "words     zork" in added.out
    assert picture(paint("back", "zork fish", "theirs")) == picture(mine)
    assert picture(paint("back:0", "zork fish", "plain")) != picture(mine)


@pytest.mark.usefixtures("fog")
def test_the_card_is_shown_before_anything_leaves(
    atelier: Atelier, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    result = atelier("hub", "push", "fog", "--public")
    assert result.code is Exit.INTERRUPTED
    assert "instance_prompt: zork" in result.out
    assert "to vixen/fog publicly, for everybody to see? [Y/n]" in result.out
    assert server.repository("vixen/fog") is None
    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    assert atelier("hub", "push", "fog", "--public").code is Exit.FINE
    assert not getattr(server.repository("vixen/fog"), "private", True)


async def test_of_a_members_lora_it_says_who_has_to_agree(
    atelier: Atelier, fog: Path, workplace: Path
) -> None:
    async with Database(workplace / "data" / DATABASE) as database:
        theirs = StoredAdapter(source=str(fog), family="sd", scope="guild:1", owner="5")
        await AdapterTable(database).save("theirs", theirs)
    result = await asyncio.to_thread(atelier, "hub", "push", "theirs", "--yes")
    assert result.code is Exit.FINE, result.err
    assert "It was trained in Discord: publish it only if its member agreed" in result.out


def test_an_interrupted_one_goes_on(atelier: Atelier, fog: Path, server: HubServer) -> None:
    server.uploads.failing_commits = 1
    stopped = atelier(*PUSH)
    assert stopped.code is Exit.UNREACHABLE
    assert "what was uploaded is kept" in stopped.err
    result = atelier(*PUSH)
    assert result.code is Exit.FINE, result.err
    digest = hashlib.sha256(fog.read_bytes()).hexdigest()
    assert server.uploads.received == {digest: 1}
    again = atelier(*PUSH, "--public")
    assert again.code is Exit.FINE, again.err
    assert "vixen/fog is there: its card and files are replaced." in again.out
    assert not getattr(server.repository("vixen/fog"), "private", True)
    there = server.repository("vixen/fog")
    assert there is not None
    there.files.clear()
    empty = atelier(*PUSH, "--public")
    assert empty.code is Exit.FINE, empty.err
    assert "vixen/fog is there, for everybody to see.\n" in empty.out


def test_nothing_new_is_seen_by_everybody_unless_that_was_said(
    atelier: Atelier, fog: Path, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert atelier(*PUSH, "--public").code is Exit.FINE
    there = server.repository("vixen/fog")
    assert there is not None
    before = there.files["fog.safetensors"].content
    save_file(load_file(fog), fog, metadata=METADATA | {"modelspec.description": "Another."})
    refused = atelier(*PUSH)
    assert refused.code is Exit.USAGE
    assert "vixen/fog is there, for everybody to see: its card" in refused.out
    assert "✗ Everybody sees vixen/fog on the Hub" in refused.err
    assert "Add --public" in refused.err
    for answer, code in (("\n", Exit.INTERRUPTED), ("y\n", Exit.FINE)):
        assert there.files["fog.safetensors"].content == before
        monkeypatch.setattr("sys.stdin", StringIO(answer))
        asked = atelier("hub", "push", "fog")
        assert asked.code is code, asked.err
        assert "publicly, for everybody to see? [y/N]" in asked.out
    assert there.files["fog.safetensors"].content == fog.read_bytes()


@pytest.mark.usefixtures("fog")
def test_what_goes_wrong_is_a_sentence(
    atelier: Atelier,
    server: HubServer,
    store: Path,
    tmp_path: Path,
    config: Callable[[str], Path],
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"something")
    server.add("vixen/taken", other)
    told = {
        ("--repo", "vixen/taken"): (Exit.MODEL, "is already on the Hub, and something else"),
        ("--repo", "fox/fog"): (Exit.TOKEN, "can't publish as “fox”. Publish as vixen, den."),
        ("--repo", "a//b"): (Exit.USAGE, "isn't a name on the Hub"),
        ("--licence", "no-such"): (Exit.MODEL, '"license" must be one of'),
        ("--sample", str(other / "model.safetensors")): (Exit.MODEL, "isn't a picture"),
    }
    for options, (code, sentence) in told.items():
        result = atelier(*PUSH, *options)
        assert result.code is code, options
        assert sentence in result.err, result.err
        assert len(result.err.strip().splitlines()) == 1
    assert "There's no LoRA, model or folder “mist”" in atelier("hub", "push", "mist").err
    assert "comes with Atelier" in atelier("hub", "push", "sketch").err
    for role, sentence in {"read": "This token can't write", "fineGrained": "can't write"}.items():
        store.write_text(server.welcome(HubAccount("vixen", f"hf_{role}", role=role)).token)
        result = atelier(*PUSH, "--repo", "new")
        assert result.code is Exit.TOKEN
        assert sentence in result.err
    assert server.repository("vixen/new") is None
    config("[engine]\ndevice = 'cpu'\nhub_url = 'http://127.0.0.1:9'\n")
    result = atelier(*PUSH)
    assert result.code is Exit.UNREACHABLE
    assert result.err.startswith("✗ The Hub can't be reached.")


@pytest.mark.usefixtures("logged_in")
def test_a_folder_with_a_model(
    atelier: Atelier,
    server: HubServer,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tiny_model / "optimizer.pt").write_bytes(b"not part of it")
    unknown = atelier("hub", "push", str(tiny_model), "--repo", "den/tiny", "--yes")
    assert unknown.code is Exit.USAGE
    assert "Name it with --licence" in unknown.err
    monkeypatch.setattr("sys.stdin", StringIO("my own\nmit\n\n"))
    result = atelier("hub", "push", str(tiny_model), "--repo", "den/tiny")
    (tiny_model / "optimizer.pt").unlink()
    assert result.code is Exit.FINE, result.err
    assert "“my own” isn't a licence of the Hub" in result.out
    there = server.repository("den/tiny")
    assert there is not None
    assert "optimizer.pt" not in there.files
    names = {"model_index.json", "unet/diffusion_pytorch_model.safetensors"}
    assert names <= there.files.keys()
    assert json.loads(there.files["model_index.json"].content)
    assert head(there.files["README.md"].content)["license"] == "mit"
    card = "---\nlicense: mit\n---\n# Mine\n"
    (tiny_model / "README.md").write_text(card)
    Image.new("RGB", (64, 64)).save(tmp_path / "sample.png")
    sample = ("--sample", str(tmp_path / "sample.png"))
    anew = atelier("hub", "push", str(tiny_model), "--repo", "den/tiny", "--yes", *sample)
    (tiny_model / "README.md").unlink()
    assert anew.code is Exit.FINE, anew.err
    written = there.files["README.md"].content
    assert written.decode().endswith("# Mine\n")
    assert head(written)["widget"] == [{"text": "-", "output": {"url": "images/1.png"}}]
    back = atelier("models", "add", "den/tiny", "--yes")
    assert back.code is Exit.FINE, back.err


@pytest.mark.usefixtures("logged_in")
def test_a_card_that_is_no_yaml_is_written_anew(
    atelier: Atelier, server: HubServer, tiny_model: Path
) -> None:
    (tiny_model / "README.md").write_text("---\nlicense: [\n---\n# Mine\n")
    push = ("hub", "push", str(tiny_model), "--repo", "tiny", "--yes")
    unknown = atelier(*push)
    result = atelier(*push, "--licence", "mit")
    (tiny_model / "README.md").unlink()
    assert "Name it with --licence" in unknown.err
    assert result.code is Exit.FINE, result.err
    there = server.repository("vixen/tiny")
    assert there is not None
    assert head(there.files["README.md"].content)["license"] == "mit"


@pytest.mark.usefixtures("fog")
def test_whoever_names_the_licence_of_the_base_gets_what_it_asks_for(
    atelier: Atelier, server: HubServer
) -> None:
    result = atelier(
        *PUSH, "--base", "stabilityai/stable-diffusion-3.5-medium", "--licence", "other"
    )
    assert result.code is Exit.FINE, result.err
    there = server.repository("vixen/fog")
    assert there is not None
    card = there.files["README.md"].content
    assert head(card)["license_name"] == "stabilityai-ai-community"
    assert "Powered by Stability AI." in card.decode()


@pytest.mark.usefixtures("logged_in")
def test_what_came_from_elsewhere_is_not_published(
    atelier: Atelier, fog: Path, server: HubServer
) -> None:
    server.add("somebody/mist", fog.parent)
    assert atelier("loras", "add", "somebody/mist", "--yes", "--name", "mist").code is Exit.FINE
    result = atelier("hub", "push", "mist", "--yes")
    assert result.code is Exit.MODEL
    assert "came from somebody/mist/fog.safetensors and is published there already" in result.err
    with safe_open(fog, "pt") as file:
        assert file.metadata() == METADATA
