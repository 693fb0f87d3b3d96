"""What the owner of the bot does with what paints."""

from __future__ import annotations

from tests.discord_server import Message, Use

from .guide import Tour
from .props import forged
from .stops import Drive, For, Role, Stop
from .typed import slash

NOT_THE_OWNER = "Only the bot's owner can see and pause what paints."

OTHERS: dict[Role, str] = dict.fromkeys(
    [role for role in Role if role is not Role.OWNER], NOT_THE_OWNER
)


async def page(tour: Tour, custom_id: str) -> Message:
    """The page of workers; for those who see none, one that is made up."""
    if tour.role is not Role.OWNER or custom_id.split(":")[1] in ("back", "on"):
        return forged(tour, custom_id)
    return await (await tour.slash("workers")).message()


def button(custom_id: str) -> Drive:
    """A button of that page."""

    async def drive(tour: Tour) -> Use:
        shown = await page(tour, custom_id)
        tour.mark()
        return await tour.click(shown, custom_id)

    return drive


MACHINES = [
    Stop("/workers", slash("workers"), "Workers ({number})", For.THE_OWNER, told=OTHERS),
    *(
        Stop(
            f"atelier-worker:{verb}",
            button(f"atelier-worker:{verb}:0{worker}"),
            "Workers ({number})",
            For.THE_OWNER,
            told=OTHERS,
        )
        for verb, worker in (
            ("look", ""),
            ("back", ""),
            ("on", ""),
            ("pause", ":cpu"),
            ("resume", ":cpu"),
        )
    ),
]
"""In the order in which they are used: what is paused is resumed."""
