"""Runs a Python program again and again in new processes, its libraries imported only once.

Importing torch and Diffusers takes seconds of a core. The server has done so, and forks.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import runpy
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from engine.processes import child_process

LIBRARIES = (
    "cli.run",
    "engine.diffusion.loader",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint",
)


class ForkServer:
    """One program at a time; it starts as `python` starts it, and ends as it does there."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._told = process.stdin, process.stdout

    async def start(self, arguments: Sequence[str], log: Path) -> int:
        """Run a script with arguments; what it prints is added to `log`.

        Returns:
            The number of its process.
        """
        order = {"arguments": arguments, "log": str(log)}
        self._orders.write(json.dumps(order).encode() + b"\n")
        return int(await self._told.readline())

    async def wait(self) -> int:
        """The exit code of the program, once it has ended."""
        return int(await self._told.readline())


@asynccontextmanager
async def fork_server(folder: Path) -> AsyncIterator[ForkServer]:
    """A server whose programs run in `folder`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    yield ForkServer(process)
    process.stdin.close()
    await process.wait()


def serve() -> None:
    """Fork for each order, and tell the process and then its exit code. The child runs it."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            run(**json.loads(line))
            return
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(arguments: list[str], log: str) -> None:
    """Be a process that was started with these arguments."""
    null = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number, opened in enumerate((null, file, file)):
        os.dup2(opened, number)
    child_process.CONTEXT = multiprocessing.get_context("fork")  # torch is imported here already
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    serve()
