"""The settings of trainings that members start."""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from engine.settings import Section
from engine.training.outside.command import checked_command
from engine.training.request import MAX_STEPS

HOURS = re.compile(r"([01]?\d|2[0-4])-([01]?\d|2[0-4])")


class TrainingSettings(Section):
    """How members train LoRAs beside painting."""

    enabled: bool = Field(default=True, description="Whether members can train LoRAs.")
    idle_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        default=1.0,
        description="Minutes without a picture to paint after which a training starts or goes on.",
    )
    hours: str | None = Field(
        default=None,
        description='When trainings may run, by the local clock, such as "22-7". Unset: always.',
    )
    max_steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = Field(
        default=4000, description="Most steps of a training."
    )
    per_month: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=4, description="Trainings that a person can start in 30 days. 0: no limit."
    )

    command: tuple[str, ...] = Field(
        default=(),
        description="An outside trainer in place of the bot's own: a program and its options.",
    )

    @field_validator("command", mode="before")
    @classmethod
    def _is_command(cls, value: Any) -> tuple[str, ...]:
        return checked_command(value)

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, text: str | None) -> str | None:
        text = (text or "").replace(" ", "")
        if text and not HOURS.fullmatch(text):
            raise ValueError('Allowed: two full hours from 0 to 24, such as "22-7".')
        return text or None

    def open_at(self, hour: int) -> bool:
        """Whether trainings may run in that hour of the day, 0 to 23."""
        if not self.hours:
            return True
        begin, end = map(int, self.hours.split("-"))
        return begin <= hour < end if begin < end else hour >= begin or hour < end
