"""Where the files of a model that writes are, and how they come from the Hub."""

import json
from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import HubClient
from engine.hub.language_files import (
    INDEX,
    download_language_model,
    language_model_on_disk,
    weight_files,
)
from tests.hub_server import HubServer


def model(folder: Path, *shards: str, sees: bool = False) -> Path:
    """Save files as a model has them; their content doesn't matter here."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "chat_template.jinja", "README.md"):
        (folder / name).write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    if sees:
        (folder / "preprocessor_config.json").write_text("{}")
    for name in shards or ("model.safetensors",):
        (folder / name).write_bytes(name.encode())
    if shards:
        index = {"weight_map": {f"layer {number}": name for number, name in enumerate(shards)}}
        (folder / INDEX).write_text(json.dumps(index))
    return folder


def test_a_folder_is_taken_if_it_is_complete(tmp_path: Path) -> None:
    folder = model(tmp_path / "whole")
    assert language_model_on_disk(str(folder)) == folder
    with pytest.raises(ModelUnavailable, match=r"Missing: preprocessor_config\.json\."):
        language_model_on_disk(str(folder), sees=True)
    folder = model(tmp_path / "shards", "a.safetensors", "b.safetensors", sees=True)
    assert language_model_on_disk(str(folder), sees=True) == folder
    assert [file.name for file in weight_files(folder)] == ["a.safetensors", "b.safetensors"]
    (folder / "b.safetensors").unlink()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"Missing: tokenizer\.json, b\.safetensors\."):
        language_model_on_disk(str(folder))
    with pytest.raises(ModelUnavailable, match="nor a Hub ID"):
        language_model_on_disk(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("weight_map", [{"x": "../../secret"}, {}, ["x"], {"x": 1}])
def test_an_index_that_leads_elsewhere_is_refused(tmp_path: Path, weight_map: object) -> None:
    folder = model(tmp_path, "a.safetensors")
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(ModelUnavailable, match="can't be read"):
        language_model_on_disk(str(folder))


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("shards", [(), ("a.safetensors", "b.safetensors")])
def test_what_is_needed_comes_from_the_hub_once(
    tmp_path: Path, server: HubServer, shards: tuple[str, ...]
) -> None:
    server.add("someone/writer", model(tmp_path, *shards, sees=True))
    assert language_model_on_disk("someone/writer", sees=True) is None
    folder = download_language_model("someone/writer", HubClient(server.endpoint), sees=True)
    assert language_model_on_disk("someone/writer", sees=True) == folder
    names = {file.name for file in folder.iterdir()}
    assert {"chat_template.jinja", *(shards or ("model.safetensors",))} <= names
    assert not names & {"pytorch_model.bin", "README.md"}


@pytest.mark.usefixtures("cache")
def test_what_is_no_such_model_is_named_so(tmp_path: Path, server: HubServer) -> None:
    (tmp_path / "config.json").write_text("{}")
    server.add("someone/else", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"Missing: tokenizer\.json, model\.safetensors\."):
        download_language_model("someone/else", HubClient(server.endpoint))
