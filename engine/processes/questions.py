"""Questions across a pipe: one side asks, the other answers on a thread."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any

from engine.errors import AtelierError

log = logging.getLogger(__name__)

Answers = Mapping[str, Callable[..., object]]
"""What may be asked, and who answers; blocking calls."""


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
    """One side's questions that wait for an answer, and its answers. Any thread may ask."""

    def __init__(self, send: Callable[[object], None], answers: Answers) -> None:
        """Take the way to the other side, and what may be asked here."""
        self._send = send
        self._answers = answers
        self._numbers = count()
        self._waiting: dict[int, Future[Any]] = {}
        self._ended = False

    def ask(self, name: str, *arguments: object) -> Future[Any]:
        """Ask; the future raises `NoAnswer`, or the `AtelierError` that the other side raised."""
        number, future = next(self._numbers), Future[Any]()
        self._waiting[number] = future
        if self._ended:
            self.give_up()
        self._send(Question(number, name, arguments))
        return future

    def take(self, message: object) -> bool:
        """Take a message from the other side; `False` if it's neither question nor answer."""
        match message:
            case Question():
                threading.Thread(
                    target=self._answer, args=(message,), name=message.name, daemon=True
                ).start()
            case Answer(number):
                _settle(self._waiting.pop(number, None), message)
            case _:
                return False
        return True

    def give_up(self) -> None:
        """The other side has ended: there won't be answers."""
        self._ended = True
        for number in list(self._waiting):
            _settle(self._waiting.pop(number, None), Answer(number, error=NoAnswer()))

    def _answer(self, question: Question) -> None:
        try:
            answer = Answer(question.number, self._answers[question.name](*question.arguments))
        except AtelierError as error:
            answer = Answer(question.number, error=error)
        except Exception:
            log.exception("The question for %s failed", question.name)
            answer = Answer(question.number, error=NoAnswer(question.name))
        self._send(answer)


def _settle(future: Future[Any] | None, answer: Answer) -> None:
    if future is None or not future.set_running_or_notify_cancel():
        return
    if answer.error is not None:
        future.set_exception(answer.error)
    else:
        future.set_result(answer.result)
