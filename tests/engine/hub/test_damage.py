"""Damaged files of the Hub's cache: found by a look, named by verify, mended by a download."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.hub import HubClient, Presence, disk_usage, download, origin, verify
from tests.hub_server import HubServer, Repository

FOX = origin("someone/fox")
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def inside(cache: Path, name: str) -> Path:
    [file] = cache.glob(f"models--someone--fox/snapshots/*/{name}")
    return file


def links_to_text(cache: Path) -> None:
    """What copying a cache to a disk without links leaves."""
    for file in list(cache.glob("models--someone--fox/snapshots/**/*")):
        if file.is_symlink():
            target = os.readlink(file)
            file.unlink()
            file.write_text(target)


def emptied(name: str) -> Callable[[Path], None]:
    def spoil(cache: Path) -> None:
        inside(cache, name).resolve().write_bytes(b"")

    return spoil


def cut(cache: Path) -> None:
    file = inside(cache, WEIGHTS).resolve()
    file.write_bytes(file.read_bytes()[:-100])


def broken_link(cache: Path) -> None:
    inside(cache, WEIGHTS).resolve().unlink()


def without_links(cache: Path) -> None:
    """A cache without links, as on Windows, one of whose files is empty."""
    for file in list(cache.glob("models--someone--fox/snapshots/**/*")):
        if file.is_symlink():
            content = file.read_bytes()
            file.resolve().unlink()
            file.unlink()
            file.write_bytes(content)
    inside(cache, "unet/config.json").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "fetched"),
    [
        (links_to_text, 0),
        (emptied("unet/config.json"), 0),
        (emptied("model_index.json"), 0),
        (emptied(WEIGHTS), 1),
        (cut, 1),
        (broken_link, 1),
        (without_links, 0),
    ],
)
def test_what_is_damaged_is_brought_anew(
    spoil: Callable[[Path], None], fetched: int, cache: Path, server: HubServer, fox: Repository
) -> None:
    hub = HubClient(server.endpoint)
    whole = download(FOX, hub)
    assert whole.folder is not None
    size = disk_usage(FOX).size
    before = server.sent(WEIGHTS)
    spoil(cache)
    assert disk_usage(FOX).presence is Presence.PARTIAL
    assert verify(FOX), "and says what is wrong"
    assert download(FOX, hub) == whole
    assert disk_usage(FOX).presence is Presence.COMPLETE
    assert disk_usage(FOX).size == size
    assert verify(FOX) == ()
    assert (server.sent(WEIGHTS) > before) is bool(fetched), "the others are still there"
