"""What the server says no with: to the bot (`ApiError`) and to a person (`ClientRefuses`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = dict[str, Any]

UNKNOWN_CODES = {
    "Channel": 10003,
    "Guild": 10004,
    "Member": 10007,
    "Message": 10008,
    "User": 10013,
    "Webhook": 10015,
    "interaction": 10062,
    "application command": 10063,
}


class ClientRefuses(Exception):
    """The person's own Discord client would not let them do this."""


class Problem(NamedTuple):
    """One thing wrong with a request body: where, Discord's code for it, and a sentence."""

    path: tuple[str | int, ...]
    code: str
    message: str


class ApiError(Exception):
    """A refusal, in Discord's words.

    `blameless` marks refusals the bot could not have foreseen (something was deleted, a token
    was revoked): they reach the bot but do not fail the test.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        blameless: bool = False,
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.problems = list(problems)
        self.blameless = blameless

    def body(self) -> Json:
        """The refusal as Discord writes it: `{message, code, errors?}`."""
        body: Json = {"message": self.message, "code": self.code}
        for problem in self.problems:
            place = body.setdefault("errors", {})
            for step in problem.path:
                place = place.setdefault(str(step), {})
            entry = {"code": problem.code, "message": problem.message}
            place.setdefault("_errors", []).append(entry)
        return body

    def describe(self) -> str:
        """One line for people, with every problem in it."""
        details = "; ".join(
            f"{'.'.join(map(str, problem.path)) or 'body'}: {problem.message} ({problem.code})"
            for problem in self.problems
        )
        return f"{self.status} {self.code} {self.message}" + (f" [{details}]" if details else "")


def invalid_form(problems: Sequence[Problem]) -> ApiError:
    """50035, the answer to a body with mistakes in it."""
    return ApiError(400, 50035, "Invalid Form Body", problems=problems)


def unknown(what: str, *, existed: bool = False) -> ApiError:
    """404 for something that is not there; `existed`: it was, so the bot is not to blame."""
    return ApiError(404, UNKNOWN_CODES[what], f"Unknown {what}", blameless=existed)


def archived() -> ApiError:
    """What is done to a thread that somebody has closed; the bot is not to blame."""
    return ApiError(400, 50083, "Thread is archived", blameless=True)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something the bot did that Discord would not have put up with."""

    code: int
    text: str

    def __str__(self) -> str:
        return self.text
