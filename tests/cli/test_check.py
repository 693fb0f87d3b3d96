"""`check`: what keeps the bot from running, and what to do about it."""

import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from cli.check_cluster import worker
from cli.exits import Exit
from cli.settings import load_settings
from engine.cluster.worker.taken_invitations import TakenInvitations
from tests.cli.conftest import TOKEN, Atelier, Result
from tests.engine.cluster.sides import running_server

Config = Callable[[str], Path]

pytestmark = pytest.mark.slow  # it imports torch


@pytest.fixture
def ready(config: Config, tiny_model: Path) -> Config:
    """Write a configuration with which the bot can run, and more to it."""

    def write(more: str) -> Path:
        return config(
            f"{more}\n[discord]\ntoken = '{TOKEN}'\n[models.tiny]\nsource = '{tiny_model}'\n"
        )

    return write


def line(result: Result, subject: str) -> str:
    """The line about `subject`, with the advice below it."""
    lines = result.out.splitlines()
    start = next(i for i, x in enumerate(lines) if x[2:].startswith(subject))
    end = next((i for i in range(start + 1, len(lines)) if lines[i][:1] != " "), len(lines))
    return "\n".join(lines[start:end])


def test_all_is_well(atelier: Atelier, ready: Config, workplace: Path) -> None:
    ready("[engine]\ndevice = 'cpu'")
    result = atelier("check")
    assert result.code is Exit.FINE
    assert "✗" not in result.out
    assert line(result, "settings") == "✓ settings  config.toml"
    assert line(result, "token") == "✓ token     for application 123456789012345678"
    assert line(result, "storage") == f"✓ storage   {workplace / 'data'}"
    assert line(result, "device").startswith("✓ device    the CPU, ")
    assert line(result, "memory").endswith("RAM free")
    assert "✓ model     tiny: on disk, " in result.out
    assert TOKEN not in result.out
    assert not (workplace / "data").exists(), "looking does not make anything"


def test_bad_settings_are_listed(atelier: Atelier, ready: Config) -> None:
    ready("[engine]\nbatch_size = 0\ndevice = 'gpu'")
    result = atelier("check")
    assert result.code is Exit.CANNOT_RUN
    assert result.out.count("✗ settings") == 2
    assert "config.toml, line 2: engine.batch_size is 0." in result.out


def test_a_missing_or_strange_token(
    atelier: Atelier, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = atelier("check")
    assert result.code is Exit.CANNOT_RUN
    assert "Reset Token" in line(result, "token")
    monkeypatch.setenv("DISCORD_TOKEN", "4f5e-client-secret")
    result = atelier("check")
    assert result.code is Exit.CANNOT_RUN
    assert line(result, "token").startswith("✗ token     This isn't a bot token")
    assert "4f5e" not in result.out


def test_a_gpu_that_is_not_there(atelier: Atelier, ready: Config) -> None:
    ready("[engine]\ndevice = 'cuda:77'")
    result = atelier("check")
    assert result.code is Exit.CANNOT_RUN
    assert "✗ device    [engine] device is set to “cuda:77”, but torch" in line(result, "device")
    assert 'set device = "auto"' in line(result, "device")


def test_one_of_two_devices_that_is_not_there(atelier: Atelier, ready: Config) -> None:
    ready("[engine]\ndevice = ['cpu', 'cuda:77']")
    result = atelier("check")
    assert result.code is Exit.FINE, "the other one paints"
    assert "✓ device    the CPU, " in result.out
    assert "! device    [engine] device is set to “cuda:77”, but torch" in result.out


@pytest.mark.skipif(sys.platform != "linux", reason="its tool is a shell script")
def test_a_card_that_torch_cannot_use_is_told(
    atelier: Atelier, ready: Config, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = workplace / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA GeForce RTX 3060, 8.6'\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{workplace}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.version.cuda", None)
    ready("")
    result = atelier("check")
    assert result.code is Exit.FINE, "it paints on the CPU"
    told = line(result, "card")
    assert told.startswith("! card      NVIDIA GeForce RTX 3060 is here, but torch ")
    assert "--index-url https://download.pytorch.org/whl/cu128" in told


def test_a_data_folder_that_is_a_file(atelier: Atelier, ready: Config, workplace: Path) -> None:
    (workplace / "data").write_text("")
    ready("")
    result = atelier("check")
    assert result.code is Exit.CANNOT_RUN
    assert f"{workplace / 'data'} can't be used: it isn't a folder." in line(result, "storage")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_data_folder_of_somebody_else(atelier: Atelier, ready: Config, workplace: Path) -> None:
    (workplace / "data").mkdir(mode=0o500)
    ready("")
    assert line(atelier("check"), "storage").startswith("✗")


def test_it_works_beside_a_running_bot(atelier: Atelier, ready: Config, workplace: Path) -> None:
    ready("")
    (workplace / "data").mkdir()
    with FileLock(workplace / "data" / "atelier.lock"):
        result = atelier("check")
    assert result.code is Exit.FINE
    assert line(result, "storage").endswith("(in use by a running bot)")


@pytest.mark.parametrize(("free", "mark"), [(5e7, "✗"), (1e9, "!"), (5e9, "✓")])
def test_little_room_on_the_disk(
    atelier: Atelier, ready: Config, monkeypatch: pytest.MonkeyPatch, free: float, mark: str
) -> None:
    ready("")
    usage = shutil.disk_usage(".")._replace(free=int(free))
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    result = atelier("check")
    assert line(result, "disk")[0] == mark
    assert result.code is (Exit.CANNOT_RUN if mark == "✗" else Exit.FINE)


def test_models_that_are_missing(atelier: Atelier, ready: Config, tiny_model: Path) -> None:
    ready("[models.away]\nsource = 'someone/away'")
    result = atelier("check")
    assert result.code is Exit.FINE, "what can be downloaded does not stop the bot"
    assert "! model     away: not downloaded; downloads on first use" in result.out
    assert "Download it now: python bot.py models add away" in result.out
    ready("[models.gone]\nsource = './gone'")
    result = atelier("check")
    assert result.code is Exit.CANNOT_RUN
    assert "✗ model     gone: folder not found: ./gone" in result.out


def test_networks_for_finished_pictures_are_told(
    atelier: Atelier, ready: Config, workplace: Path
) -> None:
    (workplace / "x4.safetensors").write_bytes(b"")
    ready(
        "[engine]\ndraft_model = 'turbo'\n"
        "[upscalers.gone]\nsource = 'gone.safetensors'\n"
        "[upscalers.away]\nsource = 'someone/away/x4.safetensors'\nlicence = 'BSD 3-Clause'\n"
        "[upscalers.pickle]\nsource = 'someone/away/x4.pth'\n"
        "[background]\nmodel = 'someone/cutter'\n"
        "[ip_adapters.plus]\nfamily = 'sd'\nsource = 'someone/ip/plus.safetensors'\n"
        "image_encoder = 'someone/ip/image_encoder'\nlicence = 'Apache-2.0'\n"
        "[ip_adapters.second]\nfamily = 'sd'\nsource = 'someone/ip/other.safetensors'\n"
        "image_encoder = 'someone/ip/image_encoder'\n"
        "[ip_adapters.lost]\nfamily = 'sdxl'\nsource = 'lost.safetensors'\n"
        "image_encoder = 'someone/ip/image_encoder'\n"
        "[describe]\nmodel = 'someone/seer'\n[prompts]\nmodel = 'nowhere'"
    )
    result = atelier("check")
    assert result.code is Exit.FINE, "painting works without them"
    assert "! upscaler  gone: “gone.safetensors” is neither a file" in result.out
    assert "! upscaler  pickle: “someone/away/x4.pth” is a pickle" in result.out
    assert "plus: not downloaded; downloads when it's first used, Apache-2.0" in result.out
    assert "second: not used, since another one for sd comes first" in result.out
    assert "! pictures  lost: “lost.safetensors” is neither a file" in result.out
    assert "cut-out   someone/cutter: not downloaded" in result.out
    assert line(result, "describe").startswith("! describe  someone/seer: not downloaded")
    assert line(result, "prompts").startswith("! prompts   “nowhere” is neither a folder nor")
    assert "“turbo” isn't in the settings" in result.out
    if importlib.util.find_spec("spandrel"):
        assert "with the first picture, BSD 3-Clause" in result.out


def test_a_classifier_that_cannot_be_had_is_told(
    atelier: Atelier, ready: Config, workplace: Path
) -> None:
    from tests.tiny.classifier import classifier

    folder = classifier(workplace / "judge", "all")
    ready("[safety]\nclassifier = 'judge'")
    assert line(atelier("check"), "safety") == f"✓ safety    {folder}: nsfw, score 0.5 or more"
    ready("[safety]\nclassifier = 'judge'\nlabels = ['porn']")
    result = atelier("check")
    assert result.code is Exit.FINE
    assert line(result, "safety").startswith(
        "! safety    The classifier has no label porn. Its labels are normal, nsfw."
    )
    assert "hidden as spoilers" in line(result, "safety")
    ready("[safety]\nclassifier = 'nowhere'")
    assert "“nowhere” is neither a folder nor a Hub ID" in line(atelier("check"), "safety")
    ready("[safety]\nclassifier = 'someone/judge'")
    assert line(atelier("check"), "safety").endswith("downloads with the first picture")


def test_workers_on_other_machines_are_looked_at_without_a_change(
    atelier: Atelier, ready: Config, workplace: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ready(f"[engine]\ndevice = 'cpu'\n[cluster]\nlisten = '127.0.0.1:{port}'")
        result = atelier("check")
        assert f"✗ cluster   127.0.0.1:{port} can't be used" in result.out
        assert result.code is Exit.CANNOT_RUN
    result = atelier("check")
    assert f"✓ cluster   127.0.0.1:{port} is free" in result.out
    assert "no worker is invited" in result.out
    assert not (workplace / "data").exists(), "looking does not make anything"
    assert atelier("worker", "invite", "attic").code is Exit.FINE
    assert "✓ cluster   invited: attic" in atelier("check").out


def test_the_server_of_an_invitation_is_asked(
    atelier: Atelier, ready: Config, workplace: Path
) -> None:
    ready("[engine]\ndevice = 'cpu'")
    with running_server(workplace / "nats", "attic") as place:
        TakenInvitations(workplace / "data").keep(place.invitation())
        assert "with the certificate of the invitation" in line(atelier("check"), "worker")
        wrong = replace(place.invitation(), fingerprint="A" * 43)
        TakenInvitations(workplace / "data").keep(wrong)
        assert "its certificate is another one" in line(atelier("check"), "worker")
    assert "can't be reached" in line(atelier("check"), "worker")


def test_a_data_folder_of_another_account_is_told(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "data" / "atelier.lock").mkdir(parents=True)  # can't be opened by anybody
    result = atelier("check")
    assert "✗ storage" in result.out
    assert "atelier.lock: " in result.out
    assert not result.err

    def refuse(*_: object, **__: object) -> bool:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "is_dir", refuse)
    result = atelier("data")
    assert result.code is Exit.STORAGE
    assert result.err == f"✗ {workplace / 'data'} can't be read: Permission denied.\n"


def test_invitations_that_cannot_be_read_are_told(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> list[object]:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("cli.check_cluster.TakenInvitations.all", refuse)
    [found] = worker(load_settings(None))
    assert "Permission denied" in found.text
