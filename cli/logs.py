"""Logging: Rich on a terminal, plain lines elsewhere; secrets are redacted in both."""

import logging
from collections.abc import Collection

from huggingface_hub.utils import logging as hub_logging
from rich.logging import RichHandler

from cli.console import err

LINE = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"

CHATTY = ("httpx", "httpx2", "httpcore", "httpcore2", "filelock", "urllib3", "PIL")
"""Loggers that are limited to warnings."""


class RedactingFormatter(logging.Formatter):
    """Replaces secrets in records, tracebacks included."""

    def __init__(self, layout: str, secrets: Collection[str]) -> None:
        super().__init__(layout)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The record's text with secrets replaced."""
        return redacted(super().format(record), self._secrets)


def redacted(text: str, secrets: Collection[str]) -> str:
    """The text with each secret replaced."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def start_logging(level: int, secrets: Collection[str] = ()) -> None:
    """Log to standard error at `level` and above."""
    handler: logging.Handler
    if err.is_terminal:
        handler = RichHandler(console=err, show_path=False, log_time_format="%X")
        handler.setFormatter(RedactingFormatter("%(name)s: %(message)s", secrets))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(RedactingFormatter(LINE, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    hub_logging.get_logger().handlers.clear()  # or every line appears twice
