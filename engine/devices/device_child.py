"""In the device's process: the executor, and the commands for it."""

import queue
import traceback
from dataclasses import dataclass, replace
from functools import partial

from engine.devices.device_thread import run_executor
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import CommandQueue, ExecutorCommand, ForgetModel
from engine.errors import AtelierError
from engine.models.device_facts import device_facts, device_memory
from engine.processes.channel import Channel
from engine.settings import EngineSettings

FACTS, MEMORY = "device facts", "device memory"
FILES, NETWORK = "model files", "network"
IP_ADAPTER = "IP-Adapter files"
ADAPTER, LORA = "LoRA by its name", "LoRA file"
"""What the two processes ask each other."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """To the parent: the executor has ended with this error."""

    error: Exception


def run_device(channel: Channel, setup: ExecutorSetup) -> None:
    """Run an executor until it is told to stop.

    Args:
        channel: To the parent, which finds files.
        setup: What the executor is made from; its ways to find files are replaced.
    """
    setup = replace(
        setup,
        find_files=partial(channel.ask, FILES),
        find_network=partial(channel.ask, NETWORK),
        find_ip_adapter=partial(channel.ask, IP_ADAPTER),
        adapters=setup.adapters.with_files_from(
            partial(channel.ask, LORA), partial(channel.ask, ADAPTER)
        ),
    )
    commands: CommandQueue = queue.SimpleQueue()

    def take(command: ExecutorCommand) -> None:
        if isinstance(command, ForgetModel):
            setup.profiles.forget(command.name)
        commands.put(command)

    answers = {FACTS: device_facts, MEMORY: device_memory}
    channel.listen(take, {name: partial(ask, setup.settings) for name, ask in answers.items()})
    try:
        run_executor(setup, commands, channel.send)
    except Exception as error:
        channel.send(Crashed(portable(error)))


def tell_facts(channel: Channel, settings: EngineSettings) -> None:
    """Tell the parent what the device says, and end: the memory that torch takes is free again."""
    try:
        channel.send(device_facts(settings))
    except Exception as error:
        channel.send(Crashed(portable(error)))


def portable(error: Exception) -> Exception:
    """An error that another process can load, with the traceback as a note."""
    found = error if isinstance(error, AtelierError) else RuntimeError(repr(error))
    found.add_note("".join(traceback.format_exception(error)))
    return found.with_traceback(None)
