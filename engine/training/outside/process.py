"""Runs an outside trainer: its lines are read, it is stopped, and its LoRA is checked and taken."""

import asyncio
import logging
import math
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from engine.errors import AtelierError
from engine.tasks import Tasks
from engine.training.messages import (
    Finish,
    Keep,
    Kept,
    Pause,
    Paused,
    Preparing,
    Trained,
    TrainingCommand,
    TrainingFailed,
    TrainingReport,
    unexpected,
)
from engine.training.outside import processes
from engine.training.outside.checking import check_lora
from engine.training.outside.command import environment, filled
from engine.training.outside.handover import OutsideFolder, hand_over
from engine.training.outside.progress import Progress, progress_in
from engine.training.run_folder import RunFolder, not_written
from engine.training.setup import TrainingSetup
from speech import say

log = logging.getLogger(__name__)

GRACE = 30.0
"""Seconds between asking a trainer to end and killing it."""

CHUNK = 65_536
LINE_END = re.compile(rb"[\r\n]+")
MAX_LINE = 10_000
"""Bytes of a line that are kept; a bar that is never ended must not fill memory."""

Check = Callable[[TrainingSetup, Path], Awaitable[None]]


class OutsideProcess:
    """Runs a command as `TrainingProcess` runs the bot's own trainer. It belongs to the loop."""

    def __init__(
        self,
        setup: TrainingSetup,
        on_report: Callable[[TrainingReport], None],
        check: Check = check_lora,
    ) -> None:
        """Start it.

        Args:
            setup: What to train; its command isn't empty.
            on_report: Called with everything that happens. The last report is a final `Kept`, a
                `Paused` or a `TrainingFailed`.
            check: Raises if a LoRA can't be used.
        """
        self._setup, self._report, self._check = setup, on_report, check
        self._folder = OutsideFolder(RunFolder(setup.folder))
        self._told: Pause | Finish | None = None
        self._killed = False
        self._process: asyncio.subprocess.Process | None = None
        self._step, self._stepped_at = 0, time.monotonic()
        self._last_line = ""
        self._keeping = Tasks()
        self._task = asyncio.create_task(self._run(), name="outside trainer")

    def send(self, command: TrainingCommand) -> None:
        """Tell it something: to end, it is asked to by the system."""
        match command:
            case Pause() | Finish():
                self._told = command
                self._end(signal.SIGTERM)
            case Keep():
                self._keeping.start(self._keep(), "keep a LoRA")

    async def wait(self) -> None:
        """Until it has ended."""
        await asyncio.wait([self._task])

    async def kill(self) -> None:
        """End it at once, without a report."""
        self._killed = True
        self._end(processes.KILL)
        await self.wait()

    async def _run(self) -> None:
        try:
            report = await self._train()
        except AtelierError as error:
            report = TrainingFailed(error.sentence)
        except Exception:
            report = unexpected(log, "An outside training")
        finally:
            with suppress(OSError):
                self._folder.process.unlink()
        await self._keeping.join()
        if not self._killed:
            self._report(report)

    async def _train(self) -> TrainingReport:
        """Run it to its end; what came of it."""
        await asyncio.to_thread(processes.end_orphan, self._folder)
        self._report(Preparing(0, 1))
        before = len(self._folder.run.read_losses())
        places = await asyncio.to_thread(hand_over, self._setup, before)
        words = filled(self._setup.command, places)
        if self._is_over():
            return Paused(before)
        try:
            code = await self._run_command(words)
        except OSError as error:
            raise _not_started(words[0], error) from error
        if self._told is None and code:
            return TrainingFailed(self._failure(code))
        if isinstance(self._told, Pause):
            return Paused(self._step)
        file = await self._take(self._folder.run.result(self._setup.request.name))
        if file is None:
            return TrainingFailed(
                say("The trainer has written no LoRA to {folder}.", folder=self._folder.output)
            )
        return Kept(self._step or self._setup.request.steps, file, final=True)

    def _is_over(self) -> bool:
        """Whether it was told to end."""
        return self._killed or self._told is not None

    async def _run_command(self, words: list[str]) -> int:
        """Run it; its exit code. Raises `OSError` when it can't be started."""
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._setup.folder,
            env=environment(self._setup.settings.devices[0]),
            start_new_session=True,
        )
        self._process = process
        left = asyncio.create_task(processes.kill_what_is_left(process, GRACE))
        try:
            processes.remember(self._folder, process.pid)
            if self._is_over():
                self._end(processes.KILL if self._killed else signal.SIGTERM)
            assert process.stdout is not None, "it is a pipe"
            await self._read(process.stdout)
            return await process.wait()
        finally:  # the disk is full, or it has left something running
            left.cancel()
            self._process = None
            processes.send(process.pid, processes.KILL)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.communicate(), processes.PATIENCE)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        """Take its lines until nobody can write any more. Raises `StorageError`."""
        try:
            with self._folder.log.open("ab") as written:
                async for line in _lines(stream):
                    written.write(line + b"\n")
                    written.flush()
                    self._take_line(line.decode("utf-8", "replace"))
        except OSError as error:
            raise not_written(self._folder.log, error) from error

    def _take_line(self, line: str) -> None:
        if (progress := progress_in(line)) is not None:
            self._take_progress(progress)
        elif line.strip():
            self._last_line = line.strip()

    def _take_progress(self, progress: Progress) -> None:
        """Report each step until there; the loss of those between isn't known."""
        step, now = progress.of(self._setup.request.steps), time.monotonic()
        if step <= 0 or step == self._step:
            return
        if not self._step or step < self._step:  # it goes on from there, or has begun anew
            self._folder.run.cut_losses(step - 1)
            self._step = step - 1
        loss = progress.loss if math.isfinite(progress.loss) else 0.0
        seconds = (now - self._stepped_at) / (step - self._step)
        self._stepped_at = now
        for each in range(self._step + 1, step + 1):
            self._folder.run.add_loss(loss)
            self._report(Trained(each, loss, seconds))
        self._step = step

    def _failure(self, code: int) -> str:
        if self._last_line:
            return say(
                "The trainer has ended with code {code}. Its last line: {line}",
                code=code,
                line=self._last_line[:300],
            )
        return say("The trainer has ended with code {code}, without a word.", code=code)

    async def _keep(self) -> None:
        """Take the newest LoRA that it has written on the way, if there is one."""
        step = self._step
        try:
            file = await self._take(self._folder.run.result(self._setup.request.name, step))
        except AtelierError as error:
            log.warning("What the trainer has written can't be kept: %s", error)
            return
        if file is not None and not self._killed:
            self._report(Kept(step, file, final=False))

    async def _take(self, place: Path) -> Path | None:
        """Check the trainer's newest LoRA, and copy it there; `None` if there is none."""
        found = await asyncio.to_thread(self._folder.newest_lora, self._setup.request.name)
        if found is None:
            return None
        await self._check(self._setup, found)
        await asyncio.to_thread(_copy, found, place)
        return place

    def _end(self, number: signal.Signals) -> None:
        """Send a signal to it and all that it has started; kill what doesn't end."""
        if self._process is not None:
            processes.send(self._process.pid, number)
            asyncio.get_running_loop().call_later(GRACE, self._kill_late, self._process)

    def _kill_late(self, process: asyncio.subprocess.Process) -> None:
        if process is self._process:
            log.warning("The trainer didn't end in %g s, and is killed", GRACE)
            processes.send(process.pid, processes.KILL)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, which progress bars end with a carriage return."""
    rest = b""
    while chunk := await stream.read(CHUNK):
        *whole, rest = LINE_END.split(rest + chunk)
        for line in whole:
            yield line[:MAX_LINE]
        rest = rest[-MAX_LINE:]
    if rest:
        yield rest


def _copy(source: Path, target: Path) -> None:
    """Copy a file completely or not at all. Blocks; raises `StorageError`."""
    partial = target.with_suffix(".partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        raise not_written(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _not_started(program: str, error: OSError) -> AtelierError:
    return AtelierError(
        say(
            "The trainer {program} can't be started: {reason}.",
            program=program,
            reason=error.strerror or str(error),
        )
    )
