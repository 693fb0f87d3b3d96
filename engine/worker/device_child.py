"""In the device's process: the executor, commands for it, and questions to the parent."""

import os
import queue
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from engine.child_process import Channel
from engine.errors import AtelierError
from engine.hub import LocalFiles, Origin
from engine.models.device_facts import device_facts
from engine.settings import EngineSettings
from engine.worker.device_thread import run_executor
from engine.worker.executor_setup import ExecutorSetup
from engine.worker.messages import CommandQueue, ForgetModel
from engine.worker.questions import Answer, Question, Questions, answer_on_thread

FACTS, FILES, LORA = "facts", "files", "lora"
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
    commands: CommandQueue = queue.SimpleQueue()
    questions = Questions(channel.send)

    def find_files(name: str, origin: Origin) -> LocalFiles:
        return questions.ask(FILES, name, origin)  # type: ignore[no-any-return]

    def find_lora(source: str) -> Path:
        return questions.ask(LORA, source)  # type: ignore[no-any-return]

    setup = replace(
        setup, find_files=find_files, adapters=setup.adapters.with_files_from(find_lora)
    )

    def listen() -> NoReturn:
        try:
            while True:
                _take(channel.receive(), setup, commands, questions, channel.send)
        finally:
            os._exit(1)  # without a parent, whatever the device is doing is of no use

    threading.Thread(target=listen, name="commands", daemon=True).start()
    try:
        run_executor(setup, commands, channel.send)
    except Exception as error:
        channel.send(Crashed(portable(error)))


def _take(
    message: Any,
    setup: ExecutorSetup,
    commands: CommandQueue,
    questions: Questions,
    send: Callable[[object], None],
) -> None:
    match message:
        case Answer():
            questions.settle(message)
        case Question():
            answer_on_thread(message, lambda: device_facts(setup.settings), send)
        case ForgetModel(name):
            setup.profiles.forget(name)
            commands.put(message)
        case _:
            commands.put(message)


def tell_facts(channel: Channel, settings: EngineSettings) -> None:
    """Tell the parent what the device says, and end: the memory that torch takes is free again."""
    try:
        channel.send(device_facts(settings))
    except Exception as error:
        channel.send(Crashed(portable(error)))


def portable(error: Exception) -> Exception:
    """An error that another process can load, with the traceback as a note."""
    text = "".join(traceback.format_exception(error))
    found = error if isinstance(error, AtelierError) else RuntimeError(repr(error))
    found.add_note(text)
    return found.with_traceback(None)
