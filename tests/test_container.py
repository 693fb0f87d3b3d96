"""The container's files, as far as they can be tested without a container engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from cli.settings import load_settings

ROOT = Path(__file__).parents[1]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()


def instructions(name: str) -> list[str]:
    """What follows each instruction of that name."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{name} ")]


def copied() -> list[str]:
    """What is copied from the repository."""
    words = [each.split() for each in instructions("COPY") if not each.startswith("--from")]
    return [source for sources in words for source in sources[:-1]]


def environment() -> dict[str, str]:
    """The variables of the image."""
    return dict(pair.split("=", 1) for each in instructions("ENV") for pair in each.split())


def test_what_is_copied_is_there_and_not_ignored() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    assert sorted(kept) == sorted(copied())
    assert not any(fnmatch("config.toml", line) for line in kept), "tokens stay outside"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="its steps are for sh")
def test_what_is_copied_is_the_whole_program(tmp_path: Path) -> None:
    for name in copied():
        if (ROOT / name).is_dir():
            rubbish = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=rubbish)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    [split] = [each for each in instructions("RUN") if "tomllib" in each]
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-ec", split], cwd=tmp_path, env=os.environ | path, check=True)
    assert re.fullmatch(r"torch>=[\d.]+,<[\d.]+\n", (tmp_path / "torch.txt").read_text())
    assert "torch==" not in (tmp_path / "others.txt").read_text()
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "."]
    subprocess.run(wheel, cwd=tmp_path, check=True)
    [built] = tmp_path.glob("atelier-*.whl")
    with ZipFile(built) as archive:
        inside = set(archive.namelist())
    files = subprocess.run(
        ["git", "ls-files", "bot.py", "cli", "cogs", "engine", "speech"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {*files.stdout.split()} - inside == set()


@pytest.mark.parametrize(("age", "well"), [(10, True), (300, False), (None, False)])
def test_the_health_check_looks_at_the_heartbeat(
    tmp_path: Path, age: int | None, well: bool
) -> None:
    [check] = instructions("HEALTHCHECK")
    python, *arguments = json.loads(check.partition("CMD ")[2])
    assert python == "python"
    file = tmp_path / "health"
    if age is not None:
        file.touch()
        os.utime(file, (time.time() - age, time.time() - age))
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"ATELIER_HEALTH_FILE": str(file)},
        capture_output=True,
    )
    assert (done.returncode == 0) is well


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False)])
def test_with_a_page_the_health_check_asks_the_bot(tmp_path: Path, status: int, well: bool) -> None:
    class Bot(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    [check] = instructions("HEALTHCHECK")
    _, *arguments = json.loads(check.partition("CMD ")[2])
    file = tmp_path / "health"
    with ThreadingHTTPServer(("127.0.0.1", 0), Bot) as server:
        threading.Thread(target=server.serve_forever).start()
        file.write_text(f"http://127.0.0.1:{server.server_port}/healthz")
        done = subprocess.run(
            [sys.executable, *arguments],
            env=os.environ | {"ATELIER_HEALTH_FILE": str(file)},
            capture_output=True,
        )
        server.shutdown()
    assert (done.returncode == 0) is well


def test_the_image_runs_as_nobody_special_and_keeps_its_data_in_volumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert instructions("USER") == ["1000:1000"]
    [volumes] = map(json.loads, instructions("VOLUME"))
    variables = environment()
    assert {variables["HF_HOME"], variables["ATELIER_STORAGE__PATH"]} == {*volumes}
    for name in ("ATELIER_STORAGE__PATH", "ATELIER_HEALTH_FILE"):
        monkeypatch.setenv(name, variables[name])
    monkeypatch.chdir(tmp_path)
    assert load_settings(None).storage.path == Path(variables["ATELIER_STORAGE__PATH"])


def interpolated(text: str, variables: dict[str, str]) -> str:
    """The text with `${NAME:-default}` and `${NAME:+instead}` as compose replaces them."""
    pattern = re.compile(r"\$\{(\w+)(?::([-+])((?:[^{}$]|\$\{\w+\})*))?\}")

    def value(match: re.Match[str]) -> str:
        given, kind, other = variables.get(match[1], ""), match[2], match[3] or ""
        return (
            other
            if (kind == "-" and not given) or (kind == "+" and given)
            else given * (kind != "+")
        )

    while pattern.search(text):
        text = pattern.sub(value, text)
    return text


def services(**variables: str) -> dict[str, Any]:
    """The services of `compose.yaml` where these variables are set."""
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(interpolated(compose, variables))["services"]
    return found


def test_compose_builds_what_is_here_and_reserves_the_card() -> None:
    found = services()
    assert found.keys() == {"bot", "bot-cpu", "worker"}
    known = {each.partition("=")[0] for each in instructions("ARG")}
    [volumes] = map(json.loads, instructions("VOLUME"))
    for name, service in found.items():
        assert service["build"]["context"] == "."
        assert service["build"]["args"].keys() <= known
        assert [each.split(":")[1] for each in service["volumes"]] == volumes
        devices = service["deploy"].get("resources", {}).get("reservations", {}).get("devices", [])
        assert [each["capabilities"] for each in devices] == [["gpu"]] * (name != "bot-cpu")
        assert ("profiles" in service) is (name != "bot"), "only the bot starts by itself"
    assert found["bot"]["build"]["args"] == {"TORCH": "cu128", "EXTRAS": "cluster"}
    assert found["bot-cpu"]["build"]["args"]["TORCH"] == "cpu"
    assert found["worker"]["image"] == found["bot"]["image"] != found["bot-cpu"]["image"]


def test_a_worker_beside_the_bot_has_data_of_its_own_and_no_token() -> None:
    line = "nats://SEED@192.168.1.20:4222/laptop#FINGERPRINT"
    found = services(JOIN=line, DISCORD_TOKEN="a.b.c")
    assert shlex.split(found["worker"]["command"]) == ["worker", "--join", line]
    assert shlex.split(services()["worker"]["command"]) == ["worker"], "the line is kept"
    assert "a.b.c" not in str(found["worker"])
    assert found["bot"]["environment"]["DISCORD_TOKEN"] == "a.b.c"
    assert found["worker"]["volumes"][0] != found["bot"]["volumes"][0]
