"""The page: its sections as HTML, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from babel.dates import format_datetime, format_time, format_timedelta
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cli.web.cached import Cached
from cli.web.overview import Looker
from engine import DeviceState, Presence, Training, TrainingState, human_size
from speech import (
    LANGUAGES,
    current_language,
    phrase,
    retranslate,
    say,
    say_many,
    translation,
    use_language,
)

SECTIONS = (
    *("summary", "running", "waiting", "charts", "gallery"),
    *("models", "trainings", "devices", "problems"),
)
"""The parts of the page, each a template and an element of that id."""

FRESH = 1.0
"""Seconds for which a rendered page is good."""

MAIN = {language.partition("_")[0]: language for language in LANGUAGES}
"""Our languages by what browsers call them, without the country."""

PRESENCE = {
    Presence.COMPLETE: phrase("on disk"),
    Presence.PARTIAL: phrase("partly downloaded"),
    Presence.ABSENT: phrase("not downloaded"),
    Presence.BROKEN: phrase("incomplete"),
    Presence.NO_FOLDER: phrase("folder not found"),
}
"""How much of a model is on disk, in words."""


TRAINING_STATES = {
    TrainingState.WAITING: phrase("waiting"),
    TrainingState.RUNNING: phrase("training"),
    TrainingState.PAUSED: phrase("paused"),
}


class Page:
    """Renders the page at most once a second, for all who look at it in a language."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._environment = Environment(
            loader=PackageLoader("cli.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "say": say,
            "say_many": say_many,
            "duration": duration,
            "clock": clock,
            "moment": moment,
            "human_size": human_size,
            "described": described,
            "retranslate": retranslate,
            "training_state": training_state,
            "device_state": device_state,
            "presence": lambda presence: say(PRESENCE[presence]),
        }
        self._sections: dict[str, Cached[Mapping[str, str]]] = {
            language: Cached(partial(self._rendered, language), FRESH, {}) for language in LANGUAGES
        }

    async def sections(self, language: str) -> Mapping[str, str]:
        """The HTML inside each section, by its id."""
        return await self._sections[language].get()

    async def document(self, language: str, *, can_leave: bool) -> str:
        """The whole page; with a button to log out if `can_leave`."""
        sections = {name: Markup(text) for name, text in (await self.sections(language)).items()}
        return self.render("page.html", language, sections=sections, can_leave=can_leave)

    def render(self, template: str, language: str, **values: Any) -> str:
        """A template in that language."""
        with use_language(language):
            tag = language.replace("_", "-")
            return self._environment.get_template(template).render(language=tag, **values)

    async def _rendered(self, language: str) -> dict[str, str]:
        """The sections as they are now."""
        overview = await self._looker.look()
        return {name: self.render(f"{name}.html", language, view=overview) for name in SECTIONS}


def language_of(accepted: str) -> str:
    """The language for a header `Accept-Language`; English if we speak none of them."""
    for choice in accepted.split(","):
        main = choice.partition(";")[0].strip().partition("-")[0]
        if (language := MAIN.get(main.lower())) is not None:
            return language
    return "en"


def described(model: str) -> str:
    """The description of a model, translated if it is a known checkpoint's."""
    return translation(model, current_language()) or model


def training_state(training: Training) -> str:
    """What a training does, in words."""
    if training.waiting_for_painting:
        return say("paused while members paint")
    return say(TRAINING_STATES[training.state])


def device_state(device: DeviceState) -> str:
    """What a device does, in words."""
    if device.lent:
        return say("training")
    if device.paused:
        return say("paused")
    if not device.accepts:
        return say("away")
    return say("painting") if device.running else say("idle")


def duration(seconds: float) -> str:
    """A duration, such as “3 minutes”."""
    return format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=current_language())


def clock(at: float) -> str:
    """The time of a moment on this machine's clock, such as “10:48 PM”."""
    return format_time(datetime.fromtimestamp(at), "short", locale=current_language())


def moment(at: float) -> str:
    """Date and time of a moment on this machine's clock."""
    return format_datetime(datetime.fromtimestamp(at), "short", locale=current_language())
