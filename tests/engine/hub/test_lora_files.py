"""From what the settings say of a LoRA to its file."""

import errno
from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import HubClient
from engine.hub.lora_files import DEFAULT_NAME, download_lora, lora_file, lora_on_disk
from tests.engine.hub.weights import save
from tests.hub_server import HubServer


def test_a_file_is_itself(tmp_path: Path) -> None:
    file = tmp_path / "ink.safetensors"
    file.touch()
    assert lora_file(str(file)) == file


def test_a_folder_is_its_one_file_or_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "ink.safetensors").touch()
    (tmp_path / "readme.md").touch()
    assert lora_file(str(tmp_path)).name == "ink.safetensors"
    (tmp_path / DEFAULT_NAME).touch()
    assert lora_file(str(tmp_path)).name == DEFAULT_NAME


def test_a_hub_id_is_looked_up_in_the_shared_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repo = tmp_path / "models--owner--inks"
    snapshot = repo / "snapshots" / ("0" * 40)
    (snapshot / "sub").mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0" * 40)
    save(snapshot / DEFAULT_NAME, {})
    save(snapshot / "sub" / "blue.safetensors", {})
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert lora_file("owner/inks") == snapshot / DEFAULT_NAME
    assert lora_file("owner/inks/sub/blue.safetensors") == snapshot / "sub" / "blue.safetensors"
    with pytest.raises(ModelUnavailable, match="“owner/other” is not downloaded"):
        lora_file("owner/other")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], r"contains no LoRA: it has no \.safetensors file"),
        (["a.safetensors", "b.safetensors"], r"contains 2 files\. Specify one, like"),
    ],
)
def test_a_folder_that_leaves_open_what_is_meant_is_refused(
    tmp_path: Path, files: list[str], sentence: str
) -> None:
    for file in files:
        (tmp_path / file).touch()
    with pytest.raises(ModelUnavailable, match=sentence):
        lora_file(str(tmp_path))


@pytest.mark.parametrize("name", ["ink.ckpt", "ink.gguf", "nowhere.safetensors"])
def test_what_is_no_lora_or_not_there_is_refused(tmp_path: Path, name: str) -> None:
    if not name.startswith("nowhere"):
        (tmp_path / name).touch()
    with pytest.raises(ModelUnavailable, match=name):
        lora_file(str(tmp_path / name))


def test_a_lora_on_the_hub_is_downloaded_with_the_token_of_the_settings(
    tmp_path: Path, server: HubServer
) -> None:
    (tmp_path / "inks").mkdir()
    (tmp_path / "inks" / "ink.safetensors").write_bytes(b"weights")
    server.add("owner/inks", tmp_path / "inks").gated = True
    server.members.add("hf_member")
    assert lora_on_disk("owner/inks/ink.safetensors") is None
    with pytest.raises(ModelUnavailable, match="is not downloaded"):
        lora_file("owner/inks/ink.safetensors")
    with pytest.raises(ModelUnavailable, match="is gated"):
        download_lora("owner/inks", HubClient(server.endpoint))
    file = download_lora("owner/inks", HubClient(server.endpoint, "hf_member"))
    assert file.read_bytes() == b"weights"
    assert lora_file("owner/inks/ink.safetensors") == file


def test_one_that_is_being_removed_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def vanished(_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr("engine.hub.lora_files.intact_place", vanished)
    with pytest.raises(ModelUnavailable, match="“a/b” can't be read: No such file or directory"):
        lora_on_disk("a/b")
