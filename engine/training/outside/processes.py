"""The processes of an outside trainer: it and what it has started are ended as one."""

import asyncio
import json
import logging
import os
import signal
from contextlib import suppress

import psutil

from engine.training.outside.handover import OutsideFolder

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds that a killed process gets to be gone."""

CLOCK = 5.0
"""Seconds by which a process's beginning may seem to move, as the clock is set."""

LOOK = 0.5
"""Seconds between two looks whether a trainer has ended without what it has started."""

GROUPS = hasattr(os, "killpg")
"""Whether a trainer has a process group, with all that it has started; Windows has none."""

KILL: signal.Signals = getattr(signal, "SIGKILL", signal.SIGTERM)


def remember(folder: OutsideFolder, pid: int) -> None:
    """Write down which process it is, for `end_orphan`. Blocks; raises `StorageError`."""
    with suppress(psutil.Error):
        known = {"pid": pid, "created": psutil.Process(pid).create_time()}
        folder.run.write(folder.process, json.dumps(known).encode())


def end_orphan(folder: OutsideFolder) -> None:
    """Kill a trainer that outlived this program, which was killed itself. Blocks."""
    try:
        known = json.loads(folder.process.read_text("utf-8"))
        process = psutil.Process(int(known["pid"]))
        if abs(process.create_time() - float(known["created"])) < CLOCK:
            log.warning("The trainer of an earlier run is still there, and is killed")
            send(process.pid, KILL)
            process.wait(PATIENCE)
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return  # there is none


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a trainer and all that it has started."""
    with suppress(ProcessLookupError, PermissionError, psutil.Error):
        if GROUPS:
            os.killpg(pid, number)
            return
        trainer = psutil.Process(pid)
        for process in (*trainer.children(recursive=True), trainer):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


async def kill_what_is_left(process: asyncio.subprocess.Process, grace: float) -> None:
    """Kill what a trainer has started, `grace` seconds after it has ended without it."""
    while process.returncode is None:  # noqa: ASYNC110
        await asyncio.sleep(LOOK)
    await asyncio.sleep(grace)
    log.warning("The trainer has left processes behind, which are killed")
    send(process.pid, KILL)
