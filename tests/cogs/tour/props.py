"""What things are done with on the tour: other jobs, sheets, questions, pictures of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.cogs.app import PATIENCE
from tests.discord_server import Member, Message, Use
from tests.discord_server.interactions import MODAL_SUBMIT
from tests.discord_server.messages import COMPONENTS_V2

from .guide import OWN, PROMPT, SECRET, Tour
from .stops import Role

UNSEEN = "Job {number} doesn't exist or isn't visible here"


@asynccontextmanager
async def waiting(tour: Tour) -> AsyncIterator[Message]:
    """Alice's job that waits behind somebody else's."""
    carol = tour.app.guild.add_member("carol")  # whose Discord is English in every tour
    use = await carol.slash(tour.app.art, "imagine", prompt="殿", model="slow", count=4)
    tour.props["occupied"] = message = await use.message()
    await tour.app.discord.until(lambda: "🎨" in message.text(), PATIENCE)
    yield await tour.painted(PROMPT)
    del tour.props["occupied"]
    await tour.settled(await carol.click(message, custom_id=message.buttons[0]["custom_id"]))


async def question(
    tour: Tour, who: Member, command: str, prompt: str = OWN, **options: Any
) -> tuple[Use, Message]:
    """What they are asked back after asking for much, there where they are."""
    where = tour.app.art if who is tour.alice else tour.here
    use = await tour.settled(await who.slash(where, command, prompt=prompt, **options))
    return use, use.followups[0] if use.followups else await use.message()


async def two(tour: Tour) -> Message:
    """Alice's message with two pictures."""
    if "two" not in tour.props:
        tour.props["two"] = await tour.painted(PROMPT, count=2)
    message: Message = tour.props["two"]
    return message


async def grid(tour: Tour) -> Message:
    """Alice's sheet, painted."""
    if "sheet" not in tour.props:
        tour.props["sheet"] = await ordered(tour)
    tour.mark()
    message: Message = tour.props["sheet"]
    return message


def grid_of(message: Message) -> str:
    """The number of the sheet that the message is of."""
    return str(message.buttons[0]["custom_id"]).split(":")[2]


async def ordered(tour: Tour) -> Message:
    """A new sheet of Alice's; the stranger's tour has one that is private."""
    hidden = tour.role is Role.STRANGER
    prompt = SECRET if hidden else PROMPT
    options = {"x": "seed", "x_values": "1-2", "private": hidden}
    _, asked = await question(tour, tour.alice, "grid", prompt, **options)
    before = set(tour.app.discord.world.messages)
    await tour.settled(await tour.alice.click(asked, custom_id=asked.buttons[0]["custom_id"]))
    tour.mark()
    posted = [m for number, m in tour.app.discord.world.messages.items() if number not in before]
    [message] = [m for m in posted if any("atelier-sheet" in b["custom_id"] for b in m.buttons)]
    return message


def forged(tour: Tour, custom_id: str, *values: str) -> Message:
    """A message where they are, with a control that somebody has made up; a menu if it has values.

    Discord does not let people make them up: this is what would hold if it did.
    """
    world = tour.app.discord.world
    control: dict[str, Any] = {"type": 2, "style": 2, "label": "?"}
    if values:
        options = [{"label": "?", "value": value} for value in values]
        control = {"type": 3, "options": options, "min_values": 1, "max_values": 1}
    message = world.new_message(tour.here, world.bot)
    message.flags |= COMPONENTS_V2
    control |= {"id": 2, "custom_id": custom_id}
    message.components = [{"type": 1, "id": 1, "components": [control]}]
    world.post_message(message)
    return message


async def made_up(tour: Tour, custom_id: str, fields: Mapping[str, str]) -> Use:
    """Sending a modal that the bot has not shown them."""
    parts = [
        {
            "type": 18,
            "id": 2 * place + 1,
            "component": {"type": 4, "id": 2 * place + 2, "custom_id": key, "value": value},
        }
        for place, (key, value) in enumerate(fields.items())
    ]
    data = {"custom_id": custom_id, "components": parts, "resolved": {}}
    return await tour.settled(await tour.who._use(MODAL_SUBMIT, tour.here, data, custom_id))
