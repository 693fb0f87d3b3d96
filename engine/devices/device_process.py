"""A process for the device: the event loop never waits for torch, and outlives a crash of it.

The executor there is the same as on a thread. Commands and reports cross a pipe. Files that have to
be downloaded are asked for the same way, since downloads belong to this process.
"""

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import Any

from engine.devices.device_child import (
    ADAPTER,
    FACTS,
    FILES,
    IP_ADAPTER,
    LORA,
    MEMORY,
    NETWORK,
    Crashed,
    run_device,
    tell_facts,
)
from engine.devices.device_host import DeviceDied, OnCrash, OnReport
from engine.devices.executor_setup import (
    ExecutorSetup,
    files_on_disk,
    network_on_disk,
    no_ip_adapter,
)
from engine.devices.messages import (
    ExecutorCommand,
    ModelOverflowed,
    StageMeasured,
    StopExecutor,
)
from engine.errors import DeviceUnavailable
from engine.hub.lora_files import lora_file
from engine.memory.device import DeviceFacts, DeviceMemory
from engine.processes.child_process import ChildProcess
from engine.processes.questions import NoAnswer
from speech import say

log = logging.getLogger(__name__)

FACTS_SECONDS = 120.0
"""How long the device may take to tell about itself: torch has to be imported."""

MEMORY_SECONDS = 5.0
"""How long it may take to tell about its memory: while torch is imported nobody waits for it."""

RELEASE_SECONDS = 10.0
"""How long an executor may take to end that has nothing to do but to preload or to tune."""


class DeviceProcess:
    """Runs an executor in a process of its own, and another one after a crash.

    The process starts with the first job; until then it takes no memory.
    """

    def __init__(self, setup: ExecutorSetup) -> None:
        """Prepare the process; `start` starts it. Call it in the event loop."""
        self._setup = setup
        self._loop = asyncio.get_running_loop()
        self._process: ChildProcess | None = None
        self._waiting: list[ExecutorCommand] = []
        self._error: Exception | None = None
        self._stopping = False
        self._releasing = False

    def connect(self, on_report: OnReport, on_crash: OnCrash) -> None:
        """As `DeviceHost.connect`."""
        self._on_report, self._on_crash = on_report, on_crash

    def send(self, command: ExecutorCommand) -> None:
        """As `DeviceHost.send`."""
        if self._process is None:
            self._waiting.append(command)
        else:
            self._process.send(command)

    def start(self) -> None:
        """As `DeviceHost.start`."""
        if self._stopping or self._process is not None:
            return
        setup = replace(
            self._setup,
            find_files=files_on_disk,
            find_network=network_on_disk,
            find_ip_adapter=no_ip_adapter,
            adapters=self._setup.adapters.with_files_from(lora_file),
        )
        self._error = None
        self._process = ChildProcess(
            "device",
            run_device,
            setup,
            on_message=self._take,
            on_exit=self._ended,
            answers={
                FILES: self._setup.find_files,
                LORA: self._setup.adapters.find_file,
                ADAPTER: self._setup.adapters.__getitem__,
                NETWORK: self._setup.find_network,
                IP_ADAPTER: self._setup.find_ip_adapter,
            },
        )
        for command in self._waiting:
            self._process.send(command)
        self._waiting.clear()

    async def stop(self, seconds: float) -> None:
        """As `DeviceHost.stop`. The process is killed if it takes longer."""
        self._stopping = True
        if self._process is not None:
            self._process.send(StopExecutor())
            if await self._process.stop(seconds):
                log.info("The device was stopped in the middle of a step")

    async def release(self) -> None:
        """As `DeviceHost.release`."""
        if self._process is not None:
            self._releasing = True
            try:
                self._process.send(StopExecutor())
                await self._process.stop(RELEASE_SECONDS)
            finally:
                self._releasing = False

    def facts(self) -> DeviceFacts:
        """As `DeviceHost.facts`; while nothing has been painted, a process is started to ask."""
        if (process := self._process) is not None:
            with contextlib.suppress(NoAnswer):
                facts: DeviceFacts = process.ask(FACTS).result(FACTS_SECONDS)
                return facts
        asking = asyncio.run_coroutine_threadsafe(self._ask_another_process(), self._loop)
        return asking.result(FACTS_SECONDS)

    async def memory(self) -> DeviceMemory | None:
        """As `DeviceHost.memory`."""
        if (process := self._process) is None:
            return None
        with contextlib.suppress(NoAnswer, TimeoutError):
            async with asyncio.timeout(MEMORY_SECONDS):
                told: DeviceMemory = await asyncio.wrap_future(process.ask(MEMORY))
                return told
        return None

    async def _ask_another_process(self) -> DeviceFacts:
        told: asyncio.Future[DeviceFacts] = self._loop.create_future()

        def settle(message: Any) -> None:
            if isinstance(message, Crashed):
                told.set_exception(message.error)
            else:
                told.set_result(message)

        def ended(code: int) -> None:
            if not told.done():
                told.set_exception(DeviceDied(code))

        process = ChildProcess(
            "device facts", tell_facts, self._setup.settings, on_message=settle, on_exit=ended
        )
        try:
            return await told
        except DeviceDied as error:
            raise DeviceUnavailable(
                say("The device can't be used: asking it ended the process ({error}).", error=error)
            ) from error
        finally:
            await process.stop(0)

    def _take(self, message: Any) -> None:
        match message:
            case Crashed(error):
                self._error = error
            case StageMeasured(measurement):
                self._setup.profiles.take(measurement)
                self._on_report(message)
            case ModelOverflowed(overflow):
                self._setup.profiles.take_overflow(overflow)
                self._on_report(message)
            case _:
                self._on_report(message)

    def _ended(self, code: int) -> None:
        self._process = None
        if not (self._stopping or self._releasing):
            self._on_crash(self._error or DeviceDied(code))
