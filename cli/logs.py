"""Logging: rich on a terminal, plain lines for a file or a journal; secrets in neither."""

import logging
from collections.abc import Collection

from huggingface_hub.utils import logging as hub_logging
from rich.logging import RichHandler

from cli.console import err

LINE = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"

CHATTY = ("httpx", "httpx2", "httpcore", "httpcore2", "filelock", "urllib3", "PIL")
"""Loggers that have little to say to an owner."""


class Discreet(logging.Formatter):
    """Formats records without the secrets, tracebacks included."""

    def __init__(self, layout: str, secrets: Collection[str]) -> None:
        super().__init__(layout)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The record's text, each secret in it blotted out."""
        return blotted(super().format(record), self._secrets)


def blotted(text: str, secrets: Collection[str]) -> str:
    """The text, each secret in it blotted out."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def start_logging(level: int, secrets: Collection[str] = ()) -> None:
    """Send the log to standard error from `level` on."""
    handler: logging.Handler
    if err.is_terminal:
        handler = RichHandler(console=err, show_path=False, log_time_format="%X")
        handler.setFormatter(Discreet("%(name)s: %(message)s", secrets))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(Discreet(LINE, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    hub_logging.get_logger().handlers.clear()  # it would say everything a second time
