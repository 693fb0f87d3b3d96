"""Models and LoRAs from Civitai: found by number, link or hash, checked, and never as a pickle."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import (
    CorruptFile,
    DiskFull,
    DownloadProgress,
    GatedModel,
    HubClient,
    HubUnreachable,
    verify,
)
from engine.hub.cached import cached, remove_cached
from engine.hub.civitai import CivitaiClient
from engine.hub.civitai_disk import civitai_facts
from engine.hub.civitai_files import look_up
from engine.hub.civitai_links import CivitaiRef, civitai_ref
from engine.hub.http_download import FileDownload
from engine.hub.lora_files import download_lora, lora_on_disk
from engine.hub.shared_files import remove_unshared
from engine.hub.sources import origin, read_source
from engine.hub.verify import delete_files
from engine.models.lora_inspection import inspect_lora
from tests.civitai_server import CivitaiServer, Version
from tests.engine.hub.weights import save
from tests.hub_server import Fault

TOKEN = "a-token-of-the-owner"


@pytest.fixture
def server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CivitaiServer]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("engine.hub.http_download.PAUSE", 0.001)
    monkeypatch.delenv("CIVITAI_TOKEN", raising=False)
    with CivitaiServer() as server:
        yield server


@pytest.fixture
def fox(server: CivitaiServer, tmp_path: Path) -> Version:
    """A LoRA, civitai:12, of some hundred kilobytes."""
    file = save(tmp_path / "lora.safetensors", {"lora_unet_x.lora_up.weight": (320, 400)})
    return server.add(Version(12, file.read_bytes()))


def client(server: CivitaiServer, token: str | None = None) -> HubClient:
    return HubClient(civitai=CivitaiClient(server.endpoint, token))


# ------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("civitai:12345", CivitaiRef(version=12345)),
        ("civitai:827184@2514310", CivitaiRef(version=2514310)),
        ("urn:air:sdxl:checkpoint:civitai:827184@2514310", CivitaiRef(version=2514310)),
        ("civitai:67AB2FD8EC", CivitaiRef(digest="67ab2fd8ec")),
        ("https://civitai.com/models/1/x-y?modelVersionId=2", CivitaiRef(version=2)),
        ("civitai.com/models/1?modelVersionId=2&x=1", CivitaiRef(version=2)),
        ("https://civitai.red/models/1/x", CivitaiRef(model=1)),
        ("https://civitai.com/api/download/models/2?type=Model", CivitaiRef(version=2)),
        ("https://civitai.com.evil.example/models/1", None),
        ("civitai:", None),
        ("owner/civitai", None),
    ],
)
def test_numbers_hashes_and_links_name_a_version(text: str, ref: CivitaiRef | None) -> None:
    assert civitai_ref(text) == ref


def test_other_pages_and_models_without_a_version_are_told() -> None:
    with pytest.raises(ModelUnavailable, match="isn't a link to a model on Civitai"):
        read_source("https://civitai.com/images/77")
    with pytest.raises(ModelUnavailable, match="doesn't say which version"):
        read_source("https://civitai.com/models/77")
    source = read_source("https://civitai.com/models/1/x?modelVersionId=2")
    assert (source.text, source.civitai, source.repo) == ("civitai:2", 2, None)


# ---------------------------------------------------------------------------------------- downloads


def test_a_lora_comes_checked_and_with_its_words(server: CivitaiServer, fox: Version) -> None:
    assert lora_on_disk("civitai:12") is None
    told: list[DownloadProgress] = []
    file = download_lora("civitai:12", client(server), told.append)
    assert file.read_bytes() == fox.content
    assert (file.name, told[-1].done) == ("fox.safetensors", len(fox.content))
    assert lora_on_disk("civitai:12") == file
    facts = civitai_facts(12)
    assert facts is not None
    assert facts.trained_words == ("foxx", "red fur")
    assert (facts.base_model, facts.licence) == ("SD 1.5", "Civitai, selling pictures allowed")
    asked = len(server.seen)
    assert download_lora("civitai:12", client(server)) == file
    assert look_up("civitai:12", client(server).civitai) == facts
    assert len(server.seen) == asked, "what is on disk isn't asked for again"


def test_a_version_is_found_by_hash_and_by_the_page_of_its_model(
    server: CivitaiServer, fox: Version
) -> None:
    for text in (f"civitai:{fox.sha256[:10]}", "https://civitai.com/models/120/fox"):
        found = look_up(text, client(server).civitai)
        assert found is not None
        assert (found.version, found.name) == (12, "Fox v1.0")
    assert look_up("owner/name", client(server).civitai) is None


def test_civitai_is_not_asked_again_what_it_has_just_said(
    server: CivitaiServer, fox: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the page of a model to its file on disk; later it's asked anew."""
    hub = client(server)
    found = inspect_lora("https://civitai.com/models/120/fox", hub)
    assert found.licence == "Civitai, selling pictures allowed"
    download_lora(found.source, hub)
    asked = [path for _, path, _ in server.seen if path.startswith("/api/v1/")]
    assert sorted(asked) == ["/api/v1/model-versions/12", "/api/v1/models/120"]
    monkeypatch.setattr("engine.hub.civitai.FRESH", 0.0)
    fox.words = ("vixen",)
    assert hub.civitai.version(12).trained_words == ("vixen",)


def test_the_token_goes_to_civitai_and_to_nobody_else(
    server: CivitaiServer, fox: Version, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither to the storage that it sends on to, nor to an address in its answer, nor to a log."""
    caplog.set_level(logging.DEBUG)
    fox.login = True
    server.members.add(TOKEN)
    download_lora("civitai:12", client(server, TOKEN))
    hosts = {(host, token) for host, _, token in server.seen}
    assert hosts == {("127.0.0.1", TOKEN), ("localhost", "")}
    fox.elsewhere = f"{server.storage}/api/download/models/12"
    server.seen.clear()
    version = client(server, TOKEN).civitai.version(12)
    client(server, TOKEN).civitai.header(version)
    assert {(host, token) for host, _, token in server.seen} == hosts
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(client(server, TOKEN))


def test_the_environment_may_have_the_token(
    server: CivitaiServer, fox: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    fox.login = True
    server.members.add(TOKEN)
    monkeypatch.setenv("CIVITAI_TOKEN", TOKEN)
    assert download_lora("civitai:12", client(server)).is_file()


@pytest.mark.parametrize("delete", ["remove_cached", "remove_unshared"])
def test_what_is_being_downloaded_is_not_deleted(
    server: CivitaiServer, fox: Version, monkeypatch: pytest.MonkeyPatch, delete: str
) -> None:
    """By whatever process: the lock of the file says so."""

    async def deleted_meanwhile(_: object, download: FileDownload) -> None:
        download.partial.write_bytes(fox.content)
        if delete == "remove_unshared":
            assert remove_unshared(origin("civitai:12"), ()) == 0
            return
        [item] = cached()
        with pytest.raises(ModelUnavailable, match="“civitai:12” is being downloaded"):
            remove_cached(item)

    monkeypatch.setattr("engine.hub.cache.download_file", deleted_meanwhile)
    assert download_lora("civitai:12", client(server)).read_bytes() == fox.content


def test_a_dropped_connection_is_taken_up_where_it_broke(
    server: CivitaiServer, fox: Version
) -> None:
    class RefusesAfterwards(Fault):
        def refuses(self) -> int | None:
            return super().refuses() if self.drops == 0 else None

    # The first drop is that of the header, which is read whole before.
    fox.fault = RefusesAfterwards(drop_after=100_000, drops=2, status=503, refusals=2)
    assert download_lora("civitai:12", client(server)).read_bytes() == fox.content
    assert (fox.fault.drops, fox.fault.refusals) == (0, 0)
    assert server.sent < 2.5 * len(fox.content)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"login": True}, GatedModel, "needs a login on Civitai. Create an API key at https://"),
        (
            {"name": "fox.ckpt", "form": "PickleTensor"},
            ModelUnavailable,
            r"is a pickle \(fox.ckpt\), which can run any code",
        ),
        ({"form": "PickleTensor"}, ModelUnavailable, "is a pickle"),
        ({"digest": "0" * 64}, CorruptFile, "doesn't match its checksum and was deleted"),
        ({"digest": ""}, ModelUnavailable, "gives no checksum"),
        ({"content": b"\x80\x04pickle" * 50}, CorruptFile, r"isn't a \.safetensors file"),
        ({"kind": "Checkpoint"}, ModelUnavailable, "is a model. Add it with `/model add`"),
        ({"kind": "Workflows"}, ModelUnavailable, "neither a model nor a LoRA"),
        ({"usage": "Generation"}, ModelUnavailable, "its author doesn't allow it"),
        ({"fault": Fault(corrupt=True)}, CorruptFile, "doesn't match its checksum"),
        ({"fault": Fault(status=500, refusals=99)}, HubUnreachable, "returned status 500"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_what_cannot_be_had_is_a_sentence_and_leaves_nothing_to_load(
    server: CivitaiServer,
    fox: Version,
    changes: dict[str, object],
    error: type[ModelUnavailable],
    sentence: str,
) -> None:
    for name, value in changes.items():
        setattr(fox, name, value)
    with pytest.raises(error, match=sentence):
        download_lora("civitai:12", client(server))
    assert lora_on_disk("civitai:12") is None


def test_a_token_that_is_not_enough_is_told(server: CivitaiServer, fox: Version) -> None:
    fox.login = True
    with pytest.raises(GatedModel, match="account behind the Civitai token can't download"):
        download_lora("civitai:12", client(server, "another"))


def test_what_does_not_exist_is_told(server: CivitaiServer) -> None:
    with pytest.raises(ModelUnavailable, match="Civitai has no “civitai:99”"):
        download_lora("civitai:99", client(server))


def test_no_civitai_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    nowhere = HubClient(civitai=CivitaiClient("http://127.0.0.1:1"))
    with pytest.raises(HubUnreachable, match="Civitai can't be reached"):
        download_lora("civitai:12", nowhere)


def test_a_disk_without_room_is_told_before_the_first_byte(
    server: CivitaiServer, fox: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.hub.downloads.free_bytes", lambda: 1000)
    with pytest.raises(DiskFull, match="Not enough disk space"):
        download_lora("civitai:12", client(server))


def test_what_was_changed_on_disk_is_found_and_all_can_be_deleted(
    server: CivitaiServer, fox: Version
) -> None:
    file = download_lora("civitai:12", client(server))
    found = origin("civitai:12")
    assert verify(found) == ()
    data = file.read_bytes()
    file.resolve().write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert any("doesn't match its checksum" in flaw for flaw in verify(found))
    assert delete_files(found) >= len(data)
    assert lora_on_disk("civitai:12") is None
