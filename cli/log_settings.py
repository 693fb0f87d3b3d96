"""Settings of the log."""

import logging
from typing import Literal

from pydantic import Field

from engine import Section

Level = Literal["debug", "info", "warning", "error"]


class LogSettings(Section):
    """What is logged by `run`, and where besides standard error."""

    level: Level = Field(
        default="info",
        description="How much is logged. debug also logs prompts; the others never do.",
    )
    format: Literal["text", "json"] = Field(
        default="text",
        description="text, or json: an object a line with time, level, logger, message and error.",
    )
    file: bool = Field(
        default=True,
        description="Whether the log is also kept in log/ in the data folder.",
    )

    @property
    def number(self) -> int:
        """The level as `logging` has it."""
        return logging.getLevelNamesMapping()[self.level.upper()]
