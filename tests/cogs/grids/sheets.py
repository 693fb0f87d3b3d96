"""What members do with sheets, and a drawing that can be held up."""

from __future__ import annotations

import threading
from typing import Any

from engine import draw_grid
from tests.cogs.app import PATIENCE, App
from tests.discord_server import Message
from tests.discord_server.messages import walk

SEEDS = {"x": "seed", "x_values": "1-3"}


class SlowDrawing:
    """Draws sheets, the first of them only when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.let_go = threading.Event()

    def __call__(self, *what: Any) -> bytes:
        self.begun += 1
        drawn = draw_grid(*what)
        if self.begun == 1:
            assert self.let_go.wait(PATIENCE)
        return drawn

    async def started(self) -> bool:
        """Whether it has begun."""
        return self.begun > 0


async def asked(app: App, prompt: str = "a red fish", **options: Any) -> Message:
    """Alice wants a sheet; the question that comes back to her."""
    use = await app.alice.slash(app.art, "grid", prompt=prompt, **(options or SEEDS))
    asking = use.interaction
    await app.discord.until(
        lambda: use.followups or (asking.original and not asking.original.loading)
    )
    question = use.followups[0] if use.followups else await use.message()
    assert question.ephemeral
    return question


async def confirmed(app: App, question: Message) -> Message:
    """She wants it all the same; the message of the sheet."""
    before = len(app.art.messages)
    await app.alice.click(question, label=question.labels[0])
    await app.discord.until(lambda: len(app.art.messages) > before)
    return app.art.messages[-1]


async def grid(app: App, prompt: str = "a red fish", **options: Any) -> Message:
    """A sheet that is complete."""
    return await app.done(await confirmed(app, await asked(app, prompt, **options)))


async def cells_in_history(app: App) -> Message:
    """The pictures of Alice's first grid, from the entry that /history has for it."""
    listed = await (await app.alice.slash(app.art, "history")).message()
    return await (await app.alice.select(listed, "grid:1")).message()


def options_of(message: Message) -> list[str]:
    """What its menus offer."""
    menus = [part for part in walk(message.components) if part["type"] == 3]
    return [option["label"] for menu in menus for option in menu["options"]]


async def hidden(app: App) -> Message:
    """Alice's private sheet, as it is begun."""
    use = await app.alice.slash(app.art, "grid", prompt="a fish", private=True, **SEEDS)
    use = await app.alice.click(await use.message(), label="Paint 3 pictures")
    return await use.followup()


async def cell(app: App, message: Message, label: str) -> Message:
    """One of its pictures, as Alice sees it."""
    return await (await app.alice.select(message, label)).message()
