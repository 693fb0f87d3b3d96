"""Damaged caches: found without a network, never called complete, and mended by a download."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import HubClient, Presence, delete_files, disk_usage, download, origin, verify
from engine.hub.damage import damage_of
from engine.hub.verify import discard_flawed
from tests.engine.hub.conftest import UNET
from tests.hub_server import HubServer, Repository

FOX = origin("someone/fox")
CONFIG, INDEX, WORDS = "unet/config.json", "model_index.json", "tokenizer/tokenizer.json"


def write(path: Path, content: bytes) -> None:
    """Into the blob that `path` links to."""
    Path(os.path.realpath(path)).write_bytes(content)


def links_as_text(snapshot: Path) -> None:
    """As git, FAT and some network drives leave them."""
    for path in list(snapshot.rglob("*")):
        if path.is_symlink():
            target = os.readlink(path)
            path.unlink()
            path.write_text(target)


def copies(snapshot: Path) -> None:
    """Files in place of links, as on Windows, and one of them empty."""
    for path in list(snapshot.rglob("*")):
        if path.is_symlink():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    shutil.rmtree(snapshot.parents[1] / "blobs")
    (snapshot / CONFIG).write_bytes(b"")


def halved(name: str) -> Callable[[Path], None]:
    return lambda snapshot: write(
        snapshot / name, (content := (snapshot / name).read_bytes())[: len(content) // 2]
    )


def without_blob(name: str) -> Callable[[Path], None]:
    return lambda snapshot: Path(os.path.realpath(snapshot / name)).unlink()


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "links as text": (links_as_text, "model_index.json is a link that was copied as text"),
    "copies, one empty": (copies, "unet/config.json is empty"),
    "empty config": (lambda here: write(here / CONFIG, b""), "unet/config.json is empty"),
    "empty index": (lambda here: write(here / INDEX, b""), "model_index.json is empty"),
    "empty weights": (lambda here: write(here / UNET, b""), f"{UNET} is empty"),
    "empty vocabulary": (lambda here: write(here / WORDS, b""), f"{WORDS} is empty"),
    "half a config": (halved(CONFIG), "unet/config.json is cut off"),
    "half the weights": (halved(UNET), f"{UNET} should have"),
    "broken link": (without_blob(UNET), "missing the .safetensors weights of unet"),
    "zeros": (lambda here: write(here / CONFIG, b"\0" * 700), "unet/config.json is cut off"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_mended(
    damage: str, hub: HubClient, fox: Repository, tmp_path: Path, server: HubServer
) -> None:
    spoil, words = DAMAGES[damage]
    here = download(FOX, hub).folder
    assert here is not None
    intact = {p.relative_to(here): p.read_bytes() for p in here.rglob("*") if p.is_file()}
    weights_sent = server.sent(UNET)
    spoil(here)
    assert disk_usage(FOX).presence is Presence.PARTIAL
    flaws = verify(FOX)
    assert any(words in flaw for flaw in flaws), flaws
    assert len(flaws) == 1
    assert download(FOX, hub).folder == here
    assert {p.relative_to(here): p.read_bytes() for p in here.rglob("*") if p.is_file()} == intact
    assert verify(FOX, hub) == ()
    again = server.sent(UNET) > weights_sent
    assert again is ("weights" in damage or damage == "broken link"), "only what's damaged"


def test_a_changed_byte_is_mended_by_its_hash(hub: HubClient, fox: Repository) -> None:
    here = download(FOX, hub).folder
    assert here is not None
    content = (here / UNET).read_bytes()
    write(here / UNET, content[:-1] + bytes([content[-1] ^ 1]))
    [flaw] = verify(FOX)
    assert "doesn't match its checksum" in flaw
    discard_flawed(FOX)
    assert disk_usage(FOX).presence is Presence.PARTIAL
    download(FOX, hub)
    assert (here / UNET).read_bytes() == content


def test_a_damaged_file_on_its_own_is_not_on_disk(
    hub: HubClient, server: HubServer, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "a.gguf").write_bytes(b"GGUF" * 100)
    server.add("other/one", folder)
    file = origin("someone/fox", denoiser="other/one/a.gguf").denoiser
    assert file is not None
    alone = type(FOX)(file)
    place = download(alone, hub).checkpoint
    assert place is not None
    write(place, b"")
    assert disk_usage(alone).presence is Presence.PARTIAL
    download(alone, hub)
    assert place.read_bytes() == b"GGUF" * 100


def test_what_is_odd_on_the_hub_is_not_damaged(hub: HubClient, fox: Repository) -> None:
    fox.put("tokenizer/merges.txt", b"")
    fox.put("tokenizer/odd.json", b"null")
    download(FOX, hub)
    assert disk_usage(FOX).presence is Presence.COMPLETE
    assert verify(FOX) == ()


def test_a_cache_with_broken_links_can_be_removed(
    hub: HubClient, fox: Repository, cache: Path
) -> None:
    here = download(FOX, hub).folder
    assert here is not None
    without_blob(UNET)(here)
    assert delete_files(FOX) > 0
    assert disk_usage(FOX).presence is Presence.ABSENT


def test_an_owners_folder_says_what_is_damaged(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    (folder / CONFIG).write_bytes(b"")
    wanted = origin(str(folder))
    assert disk_usage(wanted).presence is Presence.BROKEN
    with pytest.raises(ModelUnavailable, match=r"config\.json is empty"):
        download(wanted, HubClient())


@pytest.mark.parametrize(
    ("name", "content", "intact"),
    [
        ("a.json", b'\xef\xbb\xbf {"a": [1]}\n', True),
        ("a.json", b"[]", True),
        ("a.json", b'{"a": [1]', False),
        ("a.json", b"{]", False),
        ("README.md", b"", True),
        ("merges.txt", b"", True),
        ("config.json", b"", False),
        ("merges.txt", b"../../blobs/ words", True),
        ("merges.txt", b"../../blobs/" + b"0a" * 20, False),
    ],
)
def test_what_counts_as_damage(name: str, content: bytes, intact: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert (damage_of(tmp_path / name) is None) is intact
