"""Checking the bytes of models, and freeing their room."""

import os
import shutil
from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import (
    HubClient,
    Origin,
    Presence,
    delete_files,
    disk_usage,
    download,
    origin,
    verify,
)
from engine.hub.sources import read_source
from tests.engine.hub.conftest import UNET
from tests.hub_server import Fault, HubServer, Repository

FOX = origin("someone/fox")
CONFIG = "vae/config.json"


def spoil(file: Path, *, cut: int = 0) -> None:
    """Change the last byte of a file, or cut some off; a link's target is meant."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 0xFF
    Path(os.path.realpath(file)).write_bytes(content[: len(content) - cut])


@pytest.fixture
def here(hub: HubClient, fox: Repository) -> Path:
    """The fox, downloaded."""
    folder = download(FOX, hub).folder
    assert folder is not None
    return folder


def test_a_good_download_has_no_flaws(here: Path, hub: HubClient) -> None:
    news: list[tuple[int, int]] = []
    assert verify(FOX, on_progress=lambda done, total: news.append((done, total))) == ()
    assert verify(FOX, hub) == ()
    assert news[-1][0] <= news[-1][1]
    assert [done for done, _ in news] == sorted(done for done, _ in news)


def test_a_changed_byte_is_found_without_a_network(here: Path) -> None:
    """The header is as it was, and the length: the hash alone tells."""
    spoil(here / UNET)
    spoil(here / CONFIG)
    flaws = verify(FOX)
    assert len(flaws) == 2
    assert any(UNET in flaw and "doesn't match its checksum" in flaw for flaw in flaws)
    assert any(CONFIG in flaw for flaw in flaws)


def test_a_truncated_file_is_named_with_its_length(here: Path) -> None:
    spoil(here / UNET, cut=10)
    [flaw] = verify(FOX)
    assert UNET in flaw
    assert "should have" in flaw


def test_a_file_that_has_gone_is_named(here: Path) -> None:
    (here / UNET).unlink()
    assert verify(FOX) == ("“someone/fox” is missing the .safetensors weights of unet.",)


def test_a_file_that_is_no_link_is_compared_with_the_hub(here: Path, hub: HubClient) -> None:
    """As on file systems without links."""
    (here / CONFIG).unlink()
    (here / CONFIG).write_text("{}")
    assert verify(FOX) == ()
    [flaw] = verify(FOX, hub)
    assert CONFIG in flaw


def test_an_owners_folder_is_checked_by_its_headers(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    wanted = origin(str(folder))
    assert verify(wanted) == ()
    spoil(folder / UNET, cut=1)
    [flaw] = verify(wanted)
    assert str(folder / UNET) in flaw


def test_what_is_not_here_cannot_be_checked(cache: Path) -> None:
    with pytest.raises(ModelUnavailable, match="isn't downloaded"):
        verify(FOX)


def test_removing_frees_all_that_the_model_took(here: Path, cache: Path) -> None:
    size = sum(file.stat().st_size for file in cache.rglob("blobs/*"))
    assert delete_files(FOX) == size
    assert disk_usage(FOX).presence is Presence.ABSENT
    assert not list(cache.rglob("*.safetensors"))
    assert delete_files(FOX) == 0


def test_removing_works_where_the_cache_is_a_link_and_a_name_leads_nowhere(
    here: Path, cache: Path
) -> None:
    (cache / "models--someone--fox" / "refs" / "pr").mkdir()
    (cache / "models--someone--fox" / "refs" / "pr" / "1").write_text("0" * 40)
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to(cache.with_name("elsewhere"))
    assert delete_files(FOX) > 0
    assert not list(cache.rglob("*.safetensors"))


def test_what_cannot_be_removed_is_a_sentence(here: Path, cache: Path) -> None:
    (here.parent / "notes.txt").write_text("mine")
    with pytest.raises(ModelUnavailable, match=r"“someone/fox” in the .* is damaged"):
        delete_files(FOX)
    assert disk_usage(FOX).presence is Presence.COMPLETE


def test_removing_one_revision_keeps_what_another_needs(
    here: Path, cache: Path, hub: HubClient, fox: Repository
) -> None:
    first = origin("someone/fox", revision=fox.commit)
    fox.put(CONFIG, fox.files[CONFIG].content + b"\n")
    fox.branches = ("main", "v2")
    second = origin("someone/fox", revision="v2")
    download(second, hub)
    assert 0 < delete_files(second) < 10_000, "the weights belong to both"
    assert disk_usage(first).presence is Presence.COMPLETE
    assert verify(first) == ()


def test_removing_an_unfinished_download_frees_it(
    cache: Path, hub: HubClient, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(drop_after=0, drops=100)
    with pytest.raises(ModelUnavailable):
        download(FOX, hub)
    assert delete_files(FOX) > 0
    assert not (cache / "models--someone--fox").exists()


def test_removing_a_single_file_leaves_its_neighbours(
    cache: Path, server: HubServer, hub: HubClient, tmp_path: Path
) -> None:
    (tmp_path / "two").mkdir()
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / "two" / name).write_bytes(name.encode() * 100)
    server.add("other/two", tmp_path / "two")
    first, second = (Origin(read_source(f"other/two/{name}")) for name in ("a.gguf", "b.gguf"))
    for one in (first, second):
        download(one, hub)
    assert delete_files(first) == 600
    assert disk_usage(first).presence is Presence.ABSENT
    assert disk_usage(second).presence is Presence.COMPLETE


def test_an_owners_own_files_are_never_touched(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    before = sorted(folder.rglob("*"))
    assert delete_files(origin(str(folder))) == 0
    assert sorted(folder.rglob("*")) == before
