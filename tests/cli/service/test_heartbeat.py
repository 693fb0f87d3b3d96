"""What systemd hears of the bot, over a real socket, and the file that a container looks at."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.service import heartbeat as module
from cli.service.heartbeat import Heartbeat, notify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is on Linux")


@pytest.fixture(params=["file", "abstract"])
def heard(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket on which systemd listens, of a watchdog of 0.1 seconds."""
    name = f"/tmp/atelier-{os.getpid()}"
    if request.param == "abstract":
        if sys.platform != "linux":
            pytest.skip("abstract sockets are on Linux")
        name = "\0" + name
    monkeypatch.setattr(module, "POLL", 0.01)
    monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.settimeout(5)
        yield listening
    Path(name.replace("\0", "/nowhere")).unlink(missing_ok=True)


def states(heard: socket.socket) -> list[str]:
    """The next message."""
    return heard.recv(4096).decode().splitlines()


def waiting(heard: socket.socket) -> int:
    """How many messages have arrived."""
    count = 0
    heard.setblocking(False)
    try:
        while heard.recv(4096):
            count += 1
    except BlockingIOError:
        pass
    heard.settimeout(5)
    return count


async def test_it_hears_of_the_start_the_beat_and_the_end(heard: socket.socket) -> None:
    ready = False
    async with Heartbeat() as heartbeat:
        heartbeat.ready_when(lambda: ready)
        first = await asyncio.to_thread(states, heard)
        assert first[1:] == ["EXTEND_TIMEOUT_USEC=60000000", "WATCHDOG=1"]
        ready = True
        while "READY=1" not in await asyncio.to_thread(states, heard):
            pass
        assert await asyncio.to_thread(states, heard) == ["WATCHDOG=1"]
        heartbeat.stopping()
        while "STOPPING=1" not in await asyncio.to_thread(states, heard):
            pass


async def test_it_hears_of_a_reload_once_the_bot_is_ready(heard: socket.socket) -> None:
    ready = False
    async with Heartbeat() as heartbeat:
        heartbeat.ready_when(lambda: ready)
        with heartbeat.reloading():
            pass
        ready = True
        while "READY=1" not in await asyncio.to_thread(states, heard):
            pass
        with heartbeat.reloading():
            said = states(heard)
            while said == ["WATCHDOG=1"]:
                said = states(heard)
        assert said[0] == "RELOADING=1"
        assert 0 < int(said[1].removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
        while states(heard) != ["READY=1", "STATUS=Running"]:
            pass


async def test_a_loop_that_is_blocked_stops_the_beat(heard: socket.socket) -> None:
    async with Heartbeat() as heartbeat:
        heartbeat.ready_when(lambda: True)
        await asyncio.sleep(0.2)
        assert waiting(heard) > 1
        time.sleep(0.3)  # noqa: ASYNC251
        assert waiting(heard) == 0
        await asyncio.sleep(0.2)
        assert waiting(heard) > 0


async def test_nobody_who_listens_is_no_reason_to_stop(
    heard: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    async with Heartbeat() as heartbeat:
        heartbeat.ready_when(lambda: True)
        await asyncio.sleep(0.05)
        heartbeat.stopping()
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")
    assert waiting(heard) == 0


async def test_the_watchdog_of_another_process_is_not_beaten(
    heard: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", "1")
    async with Heartbeat() as heartbeat:
        heartbeat.ready_when(lambda: True)
        assert await asyncio.to_thread(states, heard) == ["READY=1", "STATUS=Running"]
        await asyncio.sleep(0.2)
        assert waiting(heard) == 0


async def test_the_health_file_is_touched_once_the_bot_is_ready_and_while_its_loop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, ready = tmp_path / "health", False
    monkeypatch.setattr(module, "POLL", 0.01)
    monkeypatch.setattr(module, "TOUCH", 0.01)
    monkeypatch.setenv("ATELIER_HEALTH_FILE", str(file))
    async with Heartbeat() as heartbeat:
        heartbeat.ready_when(lambda: ready, "http://127.0.0.1:8722/healthz")
        await asyncio.sleep(0.1)
        assert not file.exists()
        ready = True
        await asyncio.sleep(0.1)
        os.utime(file, (0, 0))
        await asyncio.sleep(0.1)
        assert time.time() - file.stat().st_mtime < 5
    assert file.read_text() in ("http://127.0.0.1:8722/healthz", ""), "it may be written just then"
