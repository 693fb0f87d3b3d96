"""Upscalers. A picture is enlarged by one without repainting it, or resized if there is none."""

import re
from functools import partial
from typing import Any, Self

from discord import ui

from cogs.actions.picture_menus import reply_with_buttons
from cogs.context import Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.messages.looks import ROW
from cogs.policy.nsfw import require_shown
from cogs.policy.visibility import accessible_job
from cogs.requests.submission import Submission
from engine import Parent
from speech import say

MAX_OFFERED = 25
"""Buttons of a message, and of a row."""


class UpscalerButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-upscaler:(?P<factor>2|4):(?P<job_id>\d{1,19}):(?P<number>\d{1,2})"
    r":(?P<name>[\w.-]{1,50})",
):
    """Enlarge with one of several upscalers."""

    def __init__(self, picture: Parent, factor: int, name: str) -> None:
        super().__init__(
            ui.Button(
                label=name,
                custom_id=f"atelier-upscaler:{factor}:{picture.job_id}:{picture.number}:{name}",
            )
        )
        self._picture, self._factor, self._name = picture, factor, name

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        picture = Parent(int(match["job_id"]), int(match["number"]))
        return cls(picture, int(match["factor"]), match["name"])

    async def act(self, interaction: Interaction) -> None:
        """Queue the work."""
        job = await accessible_job(interaction, self._picture.job_id)
        await require_shown(interaction, job)
        interaction.client.studio.processes.networks.upscaler(self._name)
        await _upscale(interaction, self._picture, self._factor, self._name)


async def double(interaction: Interaction, picture: Parent) -> None:
    """Enlarge to twice the size, by an upscaler or by resizing."""
    await _enlarge(interaction, picture, 2)


async def quadruple(interaction: Interaction, picture: Parent) -> None:
    """Enlarge to four times the size, by an upscaler or by resizing."""
    await _enlarge(interaction, picture, 4)


async def _enlarge(interaction: Interaction, picture: Parent, factor: int) -> None:
    upscalers = interaction.client.studio.processes.networks.upscalers
    match upscalers:
        case ():
            await interaction.client.services[Submission].enlarge(interaction, picture, factor)
        case (only,):
            await _upscale(interaction, picture, factor, only)
        case _:
            rows: list[ui.ActionRow[ui.LayoutView]] = []
            for number, name in enumerate(upscalers[:MAX_OFFERED]):
                if number % ROW == 0:
                    rows.append(ui.ActionRow())
                rows[-1].add_item(UpscalerButton(picture, factor, name))
            await reply_with_buttons(interaction, say("Which upscaler?"), rows)


async def _upscale(interaction: Interaction, picture: Parent, factor: int, upscaler: str) -> None:
    upscale = partial(interaction.client.studio.processes.upscale, picture, factor, upscaler)
    await interaction.client.services[Submission].process(interaction, picture, upscale)
