"""SIGHUP reads the settings again, unless the terminal was closed."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.signals import on_hangup

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")

WAITS = """
import asyncio
from cli.signals import on_hangup

async def main():
    stopped = asyncio.Event()
    with on_hangup(lambda: open("reloaded", "w").close(), stopped.set):
        print("ready", flush=True)
        await stopped.wait()
    open("stopped", "w").close()

asyncio.run(main())
"""


async def test_each_hangup_reloads() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    heard: asyncio.Queue[str] = asyncio.Queue()
    with on_hangup(lambda: heard.put_nowait("reload"), lambda: heard.put_nowait("stop")):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            assert await asyncio.wait_for(heard.get(), 30) == "reload"
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with on_hangup(lambda: heard.put_nowait("reload"), lambda: heard.put_nowait("stop")):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
    assert heard.empty(), "nohup means it"
    signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_closed_ends_it(workplace: Path) -> None:
    ours, theirs = os.openpty()

    def enter() -> None:
        os.login_tty(theirs)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS], preexec_fn=enter, env=os.environ | {"PYTHONPATH": root}
    )
    os.close(theirs)
    assert b"ready" in os.read(ours, 1024)
    os.kill(process.pid, signal.SIGHUP)
    while not (workplace / "reloaded").exists():
        assert process.poll() is None
    os.close(ours)
    process.wait(30)
    assert (workplace / "stopped").exists()
