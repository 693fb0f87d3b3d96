"""Buttons of the workers' page. Their ids say which page and worker: they outlive restarts."""

import re
from typing import Any, NamedTuple, Self

from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from speech import phrase, say


class Target(NamedTuple):
    """What a button is about.

    Attributes:
        page: The page to show, from 0 on.
        worker: The worker's name; empty for none.
    """

    page: int
    worker: str


class WorkerActions(ActionRegistry[Target]):
    """The handlers of the buttons."""


BUTTONS: dict[str, tuple[str, str]] = {
    "pause": (phrase("Pause"), "⏸️"),
    "resume": (phrase("Resume"), "▶️"),
    "back": (phrase("Previous"), "⬅️"),
    "look": (phrase("Refresh"), "🔄"),
    "on": (phrase("Next"), "➡️"),
}
"""Label and emoji by verb."""


class WorkerButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-worker:(?P<verb>[a-z]+):(?P<page>\d{1,4})(?::(?P<worker>[\w:.-]{1,64}))?",
):
    """A button that applies `verb` to a worker, or turns to a page."""

    def __init__(self, verb: str, page: int, worker: str = "") -> None:
        label, emoji = BUTTONS[verb]
        custom_id = f"atelier-worker:{verb}:{page}" + (f":{worker}" if worker else "")
        super().__init__(ui.Button(label=say(label), emoji=emoji, custom_id=custom_id))
        self._verb, self._target = verb, Target(page, worker)

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["page"]), match["worker"] or "")

    async def act(self, interaction: Interaction) -> None:
        """Apply the verb; only the bot's owner may."""
        actions = interaction.client.services[WorkerActions]
        await actions.run(self._verb, interaction, self._target)
