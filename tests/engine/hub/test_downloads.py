"""Downloads into the Hugging Face cache: whole, interrupted, gone on with, and refused."""

import asyncio
import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download, try_to_load_from_cache

from engine.errors import ModelUnavailable
from engine.hub import (
    CorruptFile,
    DiskFull,
    DownloadProgress,
    DownloadStopped,
    GatedModel,
    HubClient,
    HubUnreachable,
    LocalFiles,
    Presence,
    disk_usage,
    download,
    origin,
)
from engine.hub.http_download import READ_TIMEOUT
from engine.models.download_manager import DownloadManager
from tests.engine.hub.conftest import UNET
from tests.engine.waiting import wait_for_bytes
from tests.hub_server import Fault, HubServer, Repository
from tests.tiny import modular

FOX = origin("someone/fox")


def blob(cache: Path, repository: Repository, path: str) -> Path:
    """Where the cache keeps the bytes of a file."""
    return cache / "models--someone--fox" / "blobs" / repository.files[path].etag


def test_a_pipeline_comes_with_progress_and_is_all_there(
    cache: Path, server: HubServer, hub: HubClient, fox: Repository
) -> None:
    news: list[DownloadProgress] = []
    assert disk_usage(FOX).presence is Presence.ABSENT
    files = download(FOX, hub, news.append)
    snapshot = cache / "models--someone--fox" / "snapshots" / fox.commit
    assert files == LocalFiles(folder=snapshot)
    assert (snapshot / UNET).read_bytes() == fox.files[UNET].content
    assert (snapshot / UNET).is_symlink(), "the cache holds every byte once"
    assert disk_usage(FOX).presence is Presence.COMPLETE
    assert [one.done for one in news] == sorted(one.done for one in news)
    assert news[-1].done == news[-1].total
    assert news[-1].total == sum((snapshot / file).stat().st_size for file in _names(snapshot))


def _names(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def test_the_hubs_own_client_finds_it_without_a_network(hub: HubClient, fox: Repository) -> None:
    folder = download(FOX, hub).folder
    assert snapshot_download("someone/fox", local_files_only=True) == str(folder)
    assert try_to_load_from_cache("someone/fox", UNET) == str(folder) + "/" + UNET


def test_what_is_here_is_not_asked_for_again(
    server: HubServer, hub: HubClient, fox: Repository
) -> None:
    first = download(FOX, hub)
    server.asked.clear()
    assert download(FOX, hub) == first
    assert server.asked == []


def test_of_a_modular_pipeline_its_index_and_components_come(
    server: HubServer, hub: HubClient, tmp_path: Path
) -> None:
    repository = server.add("someone/anima", modular.anima(tmp_path / "model"))
    repository.put("split_files/anima.safetensors", b"the same again")
    repository.put("blocks.py", b"raise SystemExit")
    wanted = origin("someone/anima")
    assert disk_usage(wanted).presence is Presence.ABSENT
    folder = download(wanted, hub).folder
    assert folder is not None
    assert disk_usage(wanted).presence is Presence.COMPLETE
    here = {file.relative_to(folder).as_posix() for file in _names(folder)}
    assert here == set(repository.files) - {"split_files/anima.safetensors", "blocks.py"}


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ("vae/", r"Missing: the folder vae \(of owner/modular\)"),
        ("modular_model_index.json", "isn't a Diffusers pipeline: it has no model_index.json"),
    ],
)
def test_a_modular_pipeline_with_components_in_another_repository_is_refused(
    lost: str, why: str, server: HubServer, hub: HubClient, tmp_path: Path
) -> None:
    repository = server.add("someone/anima", modular.anima(tmp_path / "model"))
    for path in [path for path in repository.files if path.startswith(lost)]:
        del repository.files[path]
    with pytest.raises(ModelUnavailable, match=why):
        download(origin("someone/anima"), hub)
    assert disk_usage(origin("someone/anima")).presence is Presence.ABSENT


def test_a_prompt_upsampler_is_left_out_wherever_it_is(
    server: HubServer, hub: HubClient, tmp_path: Path
) -> None:
    """It is as large as the model, and its step isn't run."""
    made = modular.anima(tmp_path / "model")
    upsampler = {
        "type_hint": ["transformers", "Qwen3_5ForConditionalGeneration"],
        "pretrained_model_name_or_path": "owner/upsampler",
        "subfolder": "",
    }
    modular.rewrite(made, lambda index: index.update(prompt_upsampler=[None, None, upsampler]))
    repository = server.add("someone/flux3", made)
    repository.put("prompt_upsampler/model.safetensors", b"large")
    folder = download(origin("someone/flux3"), hub).folder
    assert folder is not None
    assert not (folder / "prompt_upsampler").exists()
    assert disk_usage(origin("someone/flux3")).presence is Presence.COMPLETE


def test_only_what_the_pipeline_needs_comes(hub: HubClient, fox: Repository) -> None:
    fox.put("unet/diffusion_pytorch_model.bin", b"pickle")
    fox.put("unet/diffusion_pytorch_model.fp16.safetensors", b"half")
    fox.put("unet/model.onnx", b"onnx")
    fox.put("fox-1-full.safetensors", b"the same again")
    fox.put("sample.png", b"picture")
    fox.put("vae_1_0/diffusion_pytorch_model.safetensors", b"of another time")
    folder = download(FOX, hub).folder
    assert folder is not None
    here = {file.relative_to(folder).as_posix() for file in _names(folder)}
    assert here.isdisjoint(
        {
            "unet/diffusion_pytorch_model.bin",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "unet/model.onnx",
            "fox-1-full.safetensors",
            "sample.png",
            "vae_1_0/diffusion_pytorch_model.safetensors",
        }
    )
    assert {"model_index.json", UNET, "tokenizer/tokenizer_config.json", "vae/config.json"} <= here


def test_a_dropped_connection_is_taken_up_where_it_broke(
    server: HubServer, hub: HubClient, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(drop_after=40_000, drops=2)
    folder = download(FOX, hub).folder
    assert folder is not None
    assert (folder / UNET).read_bytes() == fox.files[UNET].content
    assert server.sent(UNET) == len(fox.files[UNET].content), "no byte came twice"


def test_a_hub_that_is_busy_for_a_moment_is_asked_again(hub: HubClient, fox: Repository) -> None:
    fox.faults[UNET] = Fault(status=503, refusals=2)
    assert download(FOX, hub).folder is not None


def test_a_network_that_stays_broken_is_told_and_loses_nothing(
    cache: Path, server: HubServer, hub: HubClient, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(drop_after=0, drops=100)
    with pytest.raises(HubUnreachable, match=r"the Hub can't be reached\. Check the network"):
        download(FOX, hub)
    assert disk_usage(FOX).presence is Presence.PARTIAL
    fox.faults.clear()
    assert download(FOX, hub).folder is not None


def test_a_stopped_download_goes_on_where_it_stopped(
    cache: Path, server: HubServer, hub: HubClient, fox: Repository
) -> None:
    """The Hub says nothing more in the middle of a file: stopping does not wait for it."""
    fox.faults[UNET] = Fault(stall_after=60_000)
    stop = threading.Event()
    stopped_at: list[float] = []

    def stop_when_stuck() -> None:
        wait_for_bytes(cache, 60_000)
        stopped_at.append(time.monotonic())
        stop.set()

    threading.Thread(target=stop_when_stuck).start()
    with pytest.raises(DownloadStopped, match=r"was stopped at .+ of .+\. Start it again"):
        download(FOX, hub, stop=stop)
    assert time.monotonic() - stopped_at[0] < READ_TIMEOUT / 2
    kept = blob(cache, fox, UNET).with_name(fox.files[UNET].etag + ".incomplete").stat().st_size
    assert kept >= 60_000
    assert disk_usage(FOX).presence is Presence.PARTIAL

    fox.faults.clear()
    before = server.sent(UNET)
    news: list[DownloadProgress] = []
    folder = download(FOX, hub, news.append).folder
    assert folder is not None
    assert server.sent(UNET) - before == len(fox.files[UNET].content) - kept
    assert (folder / UNET).read_bytes() == fox.files[UNET].content
    assert news[-1].done == news[-1].total
    assert not list(cache.rglob("*.incomplete"))


async def test_cancelling_the_task_stops_the_download_while_the_loop_runs_on(
    cache: Path, hub: HubClient, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(stall_after=0)
    downloads = DownloadManager(hub)
    news: list[DownloadProgress] = []
    task = asyncio.create_task(downloads.download("fox", FOX, news.append))
    gaps: list[float] = []
    last = time.monotonic()
    for _ in range(30):
        await asyncio.sleep(0.01)
        gaps.append(time.monotonic() - last)
        last = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - last < READ_TIMEOUT / 2
    assert max(gaps) < READ_TIMEOUT / 2, "nothing has blocked the loop"
    assert news, "there was progress before"
    fox.faults.clear()
    assert (await downloads.download("fox", FOX)).folder is not None


def test_two_who_download_at_once_share_the_work(
    server: HubServer, hub: HubClient, fox: Repository
) -> None:
    """The bot and the command line, say."""
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: download(FOX, hub), range(2))
    assert first == second
    assert server.sent(UNET) == len(fox.files[UNET].content)


def test_a_server_that_sends_all_instead_of_the_rest_is_understood(
    cache: Path, hub: HubClient, fox: Repository
) -> None:
    partial = blob(cache, fox, UNET).with_name(fox.files[UNET].etag + ".incomplete")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(fox.files[UNET].content[:1000])
    fox.faults[UNET] = Fault(whole=True)
    folder = download(FOX, hub).folder
    assert folder is not None
    assert (folder / UNET).read_bytes() == fox.files[UNET].content


def test_bytes_with_another_hash_are_thrown_away_and_named(
    cache: Path, hub: HubClient, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(corrupt=True)
    with pytest.raises(CorruptFile, match=rf"^{UNET} doesn't match its checksum"):
        download(FOX, hub)
    assert not blob(cache, fox, UNET).exists()
    fox.faults.clear()
    assert download(FOX, hub).folder is not None


def test_a_small_file_is_checked_like_a_large_one(hub: HubClient, fox: Repository) -> None:
    fox.faults["vae/config.json"] = Fault(corrupt=True)
    with pytest.raises(CorruptFile, match=r"vae/config\.json"):
        download(FOX, hub)


def test_a_disk_without_room_is_told_before_the_first_byte(
    hub: HubClient, fox: Repository, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.hub.downloads.RESERVE", 10**18)
    with pytest.raises(DiskFull, match=r"Not enough disk space: .+ to download, .+ free"):
        download(FOX, hub)
    assert server.sent(UNET) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_disk_that_fills_up_on_the_way_is_told(
    cache: Path, hub: HubClient, fox: Repository
) -> None:
    """The bytes are gathered on a device that answers each write with ENOSPC."""
    partial = blob(cache, fox, UNET).with_name(fox.files[UNET].etag + ".incomplete")
    partial.parent.mkdir(parents=True)
    partial.symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"The disk is full\. Free some space") as caught:
        download(FOX, hub)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    partial.unlink()
    assert download(FOX, hub).folder is not None


def test_an_unknown_id_is_told(server: HubServer, hub: HubClient) -> None:
    for one in (hub, HubClient(server.endpoint, "hf_nobody")):
        with pytest.raises(ModelUnavailable, match="no public model “someone/nothing”"):
            download(origin("someone/nothing"), one)


def test_an_unknown_revision_is_told(hub: HubClient, fox: Repository) -> None:
    with pytest.raises(ModelUnavailable, match="no such revision"):
        download(origin("someone/fox", revision="v9"), hub)


def test_a_revision_has_a_place_of_its_own(cache: Path, hub: HubClient, fox: Repository) -> None:
    fox.branches = ("main", "v1")
    wanted = origin("someone/fox", revision="v1")
    assert download(wanted, hub).folder is not None
    assert disk_usage(wanted).presence is Presence.COMPLETE
    assert disk_usage(FOX).presence is Presence.ABSENT
    assert (cache / "models--someone--fox" / "refs" / "v1").read_text() == fox.commit


def test_a_gated_model_says_what_to_accept_where(
    server: HubServer, hub: HubClient, fox: Repository
) -> None:
    fox.gated = True
    for one in (hub, HubClient(server.endpoint, "hf_stranger")):
        with pytest.raises(
            GatedModel, match=r"Accept its terms at https://huggingface\.co/someone/fox .+HF_TOKEN"
        ):
            download(FOX, one)
    server.members.add("hf_member")
    assert download(FOX, HubClient(server.endpoint, "hf_member")).folder is not None


def test_no_hub_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        download(FOX, HubClient())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(HubUnreachable, match="the Hub can't be reached"):
        download(FOX, HubClient("http://127.0.0.1:9"))


def test_a_repository_that_is_no_pipeline_names_what_would_do(
    hub: HubClient, fox: Repository
) -> None:
    del fox.files["model_index.json"]
    fox.put("fox-full.safetensors", b"x")
    with pytest.raises(
        ModelUnavailable, match=r"isn't a Diffusers pipeline.+It has fox-full\.safet"
    ):
        download(FOX, hub)


def test_pickles_come_only_where_they_are_allowed(hub: HubClient, fox: Repository) -> None:
    del fox.files[UNET]
    fox.put("unet/diffusion_pytorch_model.bin", b"pickle")
    with pytest.raises(ModelUnavailable, match=r"Missing: the \.safetensors weights of unet"):
        download(FOX, hub)
    folder = download(origin("someone/fox", allow_pickle=True), hub).folder
    assert folder is not None
    assert (folder / "unet" / "diffusion_pytorch_model.bin").is_file()


def test_a_denoiser_on_the_hub_takes_the_place_of_the_pipelines_own(
    server: HubServer, hub: HubClient, fox: Repository, tmp_path: Path
) -> None:
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone" / "fox-Q4.gguf").write_bytes(b"GGUF of four bits")
    server.add("other/fox-gguf", tmp_path / "lone")
    wanted = origin("someone/fox", denoiser="other/fox-gguf/fox-Q4.gguf")
    files = download(wanted, hub)
    assert files.folder is not None
    assert files.denoiser is not None
    assert files.denoiser.read_bytes() == b"GGUF of four bits"
    assert not (files.folder / UNET).exists(), "the own denoiser's weights are not needed"
    assert (files.folder / "unet" / "config.json").is_file()
    assert disk_usage(FOX).presence is Presence.PARTIAL
