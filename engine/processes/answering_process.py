"""A child process that only answers questions: it starts with the first one."""

import asyncio
from collections.abc import Callable
from typing import Any

from engine.errors import AtelierError
from engine.processes.child_process import ChildProcess
from engine.processes.questions import Answers, NoAnswer
from speech import retranslate


class AnsweringProcess:
    """Starts its process when it is needed, again after each end. It belongs to the event loop."""

    def __init__(
        self,
        name: str,
        main: Callable[..., None],
        *arguments: object,
        answers: Answers | None = None,
        on_exit: Callable[[int], None] = lambda code: None,
    ) -> None:
        """Prepare the process. The arguments are those of `ChildProcess`; `main` has to serve."""
        self._name = name
        self._main = main
        self._arguments = arguments
        self._answers = answers
        self._on_exit = on_exit
        self._process: ChildProcess | None = None

    async def ask(self, name: str, *arguments: object) -> Any:
        """The answer to a question.

        Raises:
            AtelierError: What the process raised, in the language that is spoken here.
            NoAnswer: It has ended, or failed over the question. The next one starts anew.
        """
        if self._process is None:
            self._process = ChildProcess(
                self._name,
                self._main,
                *self._arguments,
                on_exit=self._ended,
                answers=self._answers,
            )
        try:
            return await asyncio.wrap_future(self._process.ask(name, *arguments))
        except AtelierError as error:
            error.sentence = retranslate(error.sentence)  # the process speaks English
            raise
        except NoAnswer:
            await self.kill()
            raise

    async def kill(self) -> None:
        """End the process at once; whoever waits for an answer gets `NoAnswer`."""
        if self._process is not None:
            await self._process.stop(0)

    def _ended(self, code: int) -> None:
        self._process = None
        self._on_exit(code)
