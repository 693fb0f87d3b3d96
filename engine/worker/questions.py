"""Questions across a pipe: one side asks and waits, the other answers on a thread."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any

from engine.errors import AtelierError

log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The other side has ended, or failed over the question; its log says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """To the other side: call what goes by that name."""

    number: int
    name: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the question of that number."""

    number: int
    result: object = None
    error: Exception | None = None


class Questions:
    """The questions that wait for an answer. Any thread may ask."""

    def __init__(self, send: Callable[[Question], None]) -> None:
        """Take the way to the other side."""
        self._send = send
        self._numbers = count()
        self._waiting: dict[int, Future[Any]] = {}

    def ask(self, name: str, *arguments: object) -> Any:
        """Ask, and block until the answer is here.

        Raises:
            AtelierError: What the other side raised.
            NoAnswer: There won't be one.
        """
        number, future = next(self._numbers), Future[Any]()
        self._waiting[number] = future
        self._send(Question(number, name, arguments))
        return future.result()

    def settle(self, answer: Answer) -> None:
        """Give an answer to the one who waits for it."""
        future = self._waiting.pop(answer.number, None)
        if future is None:
            return
        if answer.error is not None:
            future.set_exception(answer.error)
        else:
            future.set_result(answer.result)

    def give_up(self) -> None:
        """The other side has ended: whoever waits gets `NoAnswer`."""
        for number in list(self._waiting):
            self.settle(Answer(number, error=NoAnswer()))


def answer_on_thread(
    question: Question, call: Callable[..., object], send: Callable[[Answer], None]
) -> None:
    """Call `call` with the question's arguments on a thread, and send what comes of it."""

    def answer() -> None:
        try:
            send(Answer(question.number, call(*question.arguments)))
        except AtelierError as error:
            send(Answer(question.number, error=error))
        except Exception:
            log.exception("The question for %s failed", question.name)
            send(Answer(question.number, error=NoAnswer(question.name)))

    threading.Thread(target=answer, name=f"answer {question.name}", daemon=True).start()
