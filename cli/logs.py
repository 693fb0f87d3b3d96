"""Logging: Rich on a terminal, plain lines or JSON elsewhere; secrets are redacted in all."""

import json
import logging
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from huggingface_hub.utils import logging as hub_logging
from rich.logging import RichHandler

from cli.console import err

LINE = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"

CHATTY = (
    *("httpx", "httpx2", "httpcore", "httpcore2", "filelock", "urllib3", "PIL"),
    *("aiosqlite", "asyncio"),
)
"""Loggers that are limited to warnings."""


PATTERNS = (
    # The address of an interaction's or a webhook's messages has its token.
    (re.compile(r"((?:/webhooks|/interactions)/\d+/)[^/\s'\"?)>]+"), r"\1[secret]"),
    # Interaction tokens are Base64 of “interaction:…”, wherever they are.
    (re.compile(r"aW50ZXJhY3Rpb2[A-Za-z0-9_=+-]{8,}"), "[secret]"),
    # A bot's token; a Hugging Face token; an OAuth header; keys in an address.
    (re.compile(r"[A-Za-z0-9_-]{22,}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"), "[secret]"),
    (re.compile(r"hf_[A-Za-z0-9]{16,}"), "[secret]"),
    (re.compile(r"(?i)\b(bearer|bot) [A-Za-z0-9._~+/-]{20,}=*"), r"\1 [secret]"),
    (
        re.compile(
            r"(?i)([?&](?:[\w-]*token|api_key|key|sig|[\w-]*signature|x-amz-[\w-]+)=)[^&\s'\"]+"
        ),
        r"\1[secret]",
    ),
    # A worker's key; a key or a password in an address, which may have an @ of its own.
    (re.compile(r"S[AU][A-Z2-7]{56}"), "[secret]"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/?#\s'\"]+@"), r"\1[secret]@"),
)
"""What looks like a secret, and what is written instead. Errors of the network quote addresses."""


class RedactingFormatter(logging.Formatter):
    """Replaces secrets in records, tracebacks included."""

    def __init__(self, layout: str, secrets: Collection[str]) -> None:
        super().__init__(layout)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The record's text with secrets replaced."""
        return redacted(super().format(record), self._secrets)


class LineFormatter(RedactingFormatter):
    """One line a record, whatever is in it: what somebody sent can't look like another record."""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__(LINE, secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The record's text, with ⏎ for ends of lines."""
        text = " ⏎ ".join(super().format(record).splitlines())
        return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)


class JsonFormatter(RedactingFormatter):
    """One JSON object a line: `time` in ISO 8601, `level`, `logger`, `message`, `error` if any."""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__("%(message)s", secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        value = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage(), self._secrets),
        }
        if record.exc_info:
            value["error"] = redacted(self.formatException(record.exc_info), self._secrets)
        return json.dumps(value)


def redacted(text: str, secrets: Collection[str]) -> str:
    """The text with each secret replaced, whatever looks like one, and the home folder."""
    return _without_home(without_secrets(text, secrets))


def without_secrets(text: str, secrets: Collection[str]) -> str:
    """The text with each secret replaced, and whatever looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin like another
        text = text.replace(secret, "[secret]")
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _without_home(text: str) -> str:
    """The text with `~` for the home folder, which tells who the owner is."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    if len(Path(home).parts) < 2:
        return text
    return re.sub(re.escape(home) + r"(?![\w.-])", "~", text)


def start_logging(level: int, secrets: Collection[str] = (), *, as_json: bool = False) -> None:
    """Log to standard error at `level` and above.

    Args:
        level: As `logging` has it.
        secrets: What is never shown.
        as_json: Whether lines are JSON, unless standard error is a terminal.
    """
    handler: logging.Handler
    if err.is_terminal:
        handler = RichHandler(console=err, show_path=False, log_time_format="%X")
        handler.setFormatter(RedactingFormatter("%(name)s: %(message)s", secrets))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(
            JsonFormatter(secrets) if as_json else RedactingFormatter(LINE, secrets)
        )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    set_level(level)
    hub_logging.get_logger().handlers.clear()  # or every line appears twice


def set_level(level: int) -> None:
    """Log at `level` and above, as `logging` has it."""
    logging.getLogger().setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
