"""The child's end of the connection between two processes."""

import contextlib
import logging
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from engine.processes.questions import Answers, Questions


class Channel:
    """Sends messages and questions to the parent, and takes its own. Any thread may use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._questions = Questions(self.send, {})

    def send(self, message: object) -> None:
        """Send a message; without a parent it's dropped, and the process is about to end."""
        with self._lock, contextlib.suppress(OSError):
            self._connection.send(message)

    def ask(self, name: str, *arguments: object) -> Any:
        """Ask the parent, and wait for the answer; `listen` has to be running.

        Raises:
            AtelierError: What the parent raised.
            NoAnswer: The parent failed over it.
        """
        return self._questions.ask(name, *arguments).result()

    def listen(self, on_message: Callable[[Any], None], answers: Answers) -> None:
        """Take messages on a thread of its own, as long as there is a parent.

        Without one the whole process ends at once, whatever it's doing: nobody waits for it.

        Args:
            on_message: Called on that thread with each message.
            answers: What the parent may ask.
        """
        self._questions = Questions(self.send, answers)
        threading.Thread(
            target=self._listen, args=(on_message,), name="parent", daemon=True
        ).start()

    def serve(self, answers: Answers) -> None:
        """Do nothing but answer, as long as there is a parent. Doesn't return."""
        self.listen(lambda message: None, answers)
        threading.Event().wait()

    def _listen(self, on_message: Callable[[Any], None]) -> NoReturn:
        try:
            while True:
                message = self._receive()
                if not self._questions.take(message):
                    on_message(message)
        finally:
            os._exit(1)

    def _receive(self) -> Any:
        parent = multiprocessing.parent_process()
        assert parent is not None, "a channel is made in a child"
        if self._connection not in wait([self._connection, parent.sentinel]):
            raise EOFError
        return self._connection.recv()


class ChannelHandler(QueueHandler):
    """Sends log records to the parent, which knows how to write them and what to leave out."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(queue.SimpleQueue())
        self.setFormatter(logging.Formatter("%(message)s"))  # the parent adds the rest
        self._channel = channel

    def enqueue(self, record: logging.LogRecord) -> None:
        """Send a record, formatted so far that it can be pickled."""
        self._channel.send(record)
