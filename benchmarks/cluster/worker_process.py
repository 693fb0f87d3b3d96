"""A worker's process: `python -m benchmarks.cluster.worker_process FOLDER STEPS SECONDS < LINE`."""

import asyncio
import contextlib
import sys
from pathlib import Path

from benchmarks.cluster.fixed_wait import FixedWait
from benchmarks.cluster.models import engine, models
from engine.cluster.server.invitation import Invitation
from engine.cluster.worker.run_worker import run_worker
from engine.cluster.worker.setup import WorkerSetup


def main(folder: Path, steps: int, seconds: float) -> None:
    """Paint for the bot of the invitation on standard input until this is killed."""
    setup = WorkerSetup(
        invitation=Invitation.read(sys.stdin.readline()),
        engine=engine(),
        models=models(steps),
        folder=folder,
        make_host=lambda _: FixedWait(seconds),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_worker(setup, asyncio.Event()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
