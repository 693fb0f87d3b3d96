"""From what the settings say of a LoRA to its file."""

from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub.lora_files import DEFAULT_NAME, adapter_file


def test_a_file_is_itself(tmp_path: Path) -> None:
    file = tmp_path / "ink.safetensors"
    file.touch()
    assert adapter_file(str(file)) == file


def test_a_folder_is_its_one_file_or_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "ink.safetensors").touch()
    (tmp_path / "readme.md").touch()
    assert adapter_file(str(tmp_path)).name == "ink.safetensors"
    (tmp_path / DEFAULT_NAME).touch()
    assert adapter_file(str(tmp_path)).name == DEFAULT_NAME


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
    (snapshot / DEFAULT_NAME).touch()
    (snapshot / "sub" / "blue.safetensors").touch()
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert adapter_file("owner/inks") == snapshot / DEFAULT_NAME
    assert adapter_file("owner/inks/sub/blue.safetensors") == snapshot / "sub" / "blue.safetensors"
    with pytest.raises(ModelUnavailable, match="“owner/other” isn't"):
        adapter_file("owner/other")


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
        adapter_file(str(tmp_path))


@pytest.mark.parametrize("name", ["ink.ckpt", "ink.gguf", "nowhere.safetensors"])
def test_what_is_no_lora_or_not_there_is_refused(tmp_path: Path, name: str) -> None:
    if not name.startswith("nowhere"):
        (tmp_path / name).touch()
    with pytest.raises(ModelUnavailable, match=name):
        adapter_file(str(tmp_path / name))
