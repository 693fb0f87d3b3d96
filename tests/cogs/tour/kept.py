"""What is listed, asked about, or laid out: albums, questions and sheets."""

from __future__ import annotations

from cogs.gallery.job_list import LIST_EXPIRED
from tests.discord_server import Message, Use

from .guide import Tour
from .props import UNSEEN, forged, grid, grid_of, ordered, question, waiting
from .stops import Drive, Role, Stop

NOT_THEIRS = "Only the person who requested grid {number} can do that."
UNSEEN_GRID = "Grid {number} doesn't exist."


async def album(tour: Tour) -> tuple[Message, str]:
    """Their pictures, and the number of that search; the stranger has the number of Alice's."""
    if tour.role is Role.STRANGER:
        use = await tour.settled(await tour.alice.slash(tour.app.art, "history"))
    else:
        use = await tour.slash("history")
    shown = await use.message()
    tour.mark()
    return shown, str(shown.selects[0]["custom_id"]).split(":")[1]


async def turn(tour: Tour) -> Use:
    """To the second page."""
    shown, search = await album(tour)
    if tour.role is Role.STRANGER:
        shown = forged(tour, f"atelier-page:{search}:1")
    return await tour.click(shown, "atelier-page:")


def entry(verb: str) -> Drive:
    """What the menu has, with the first of their pictures."""

    async def drive(tour: Tour) -> Use:
        shown, search = await album(tour)
        if tour.role is Role.STRANGER:
            value = f"{verb}:{tour.secret}"
            shown = forged(tour, f"atelier-entries:{search}:0", value)
        else:
            values = [each["value"] for each in shown.selects[0]["options"]]
            value = [each for each in values if each.startswith(verb)][0]  # noqa: RUF015
        return await tour.pick(shown, "atelier-entries:", value)

    return drive


def answer(verb: str) -> Drive:
    """To their own question whether to paint a sheet; of the stranger, to Alice's."""

    async def drive(tour: Tour) -> Use:
        stranger = tour.role is Role.STRANGER
        who = tour.alice if stranger else tour.who
        use, asked = await question(tour, who, "grid", x="seed", x_values="1-2")
        tour.mark()
        if stranger:
            asked = forged(tour, f"atelier-many:{verb}:{use.interaction.id}")
        return await tour.click(asked, f"atelier-many:{verb}:")

    return drive


async def cell(tour: Tour) -> Use:
    """One picture of Alice's sheet."""
    message = await grid(tour)
    if tour.role is Role.STRANGER:
        message = forged(tour, f"atelier-cells:{grid_of(message)}:0", "0")
    return await tour.pick(message, "atelier-cells:", "0")


async def delete(tour: Tour) -> Use:
    """The button of Alice's sheet."""
    message = await grid(tour)
    shown = message
    if tour.role is Role.STRANGER:
        shown = forged(tour, f"atelier-sheet:delete:{grid_of(message)}")
    use = await tour.click(shown, "atelier-sheet:delete:")
    assert message.deleted == (tour.role not in (Role.NEIGHBOUR, Role.STRANGER))
    del tour.props["sheet"]
    return use


async def cancel(tour: Tour) -> Use:
    """The button of a sheet that waits."""
    async with waiting(tour):
        message = await ordered(tour)
        if tour.role is Role.STRANGER:
            message = forged(tour, f"atelier-sheet:cancel:{grid_of(message)}")
        return await tour.click(message, "atelier-sheet:cancel:")


async def here(tour: Tour) -> Use:
    """The button of a sheet that takes long and only Alice sees; here it is made up."""
    message = await grid(tour)
    return await tour.click(
        forged(tour, f"atelier-sheet:here:{grid_of(message)}"), "atelier-sheet:here:"
    )


FORGED = {Role.STRANGER: UNSEEN}

KEPT = [
    Stop("atelier-page", turn, "page {page} of {pages}", told={Role.STRANGER: LIST_EXPIRED}),
    Stop("atelier-entries", entry("show"), "seed {seed}", told=FORGED),
    Stop("atelier-entries", entry("again"), "seed {seed}", told=FORGED, public=True),
    Stop("atelier-entries", entry("delete"), "page {page} of {pages}", told=FORGED),
    Stop(
        "atelier-many:go",
        answer("go"),
        "Queued: a grid of {pictures}.",
        told={Role.STRANGER: "Only the person who asked can answer this."},
    ),
    Stop(
        "atelier-many:drop",
        answer("drop"),
        "Cancelled. Nothing will be painted.",
        told={Role.STRANGER: "Only the person who asked can answer this."},
    ),
    Stop("atelier-cells", cell, "seed {seed}", told=FORGED),
    Stop(
        "atelier-sheet:cancel",
        cancel,
        "Cancelled.",
        told={Role.NEIGHBOUR: NOT_THEIRS, Role.STRANGER: UNSEEN_GRID},
    ),
    Stop(
        "atelier-sheet:here",
        here,
        "It's in your DMs: {link}",
        told={
            **dict.fromkeys([role for role in Role if role is not Role.MEMBER], NOT_THEIRS),
            Role.STRANGER: UNSEEN_GRID,
        },
    ),
    Stop(
        "atelier-sheet:delete",
        delete,
        "",
        told={Role.NEIGHBOUR: NOT_THEIRS, Role.STRANGER: UNSEEN_GRID},
    ),
]
"""In the order in which they are used."""
