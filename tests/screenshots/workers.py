"""What the bot's owner sees of what paints: the bot's machine and another one."""

from __future__ import annotations

from tests.discord_server import Message
from tests.screenshots.bot import WORKER
from tests.screenshots.scenes import PATIENCE, Conversation

PROMPTS = ("a red boat under a white cloud --seed 3", "a blue fish --seed 5")


async def workers(conversation: Conversation) -> None:
    """Keep the page of workers while they have something to paint."""
    who = conversation.owner
    page = await (await who.slash(conversation.art, "workers")).message()
    until = conversation.discord.until
    await until(lambda: WORKER in page.text(), PATIENCE)
    people = conversation.alice, conversation.bob
    asked: list[Message] = [
        await conversation.imagine(each, prompt, count=4, steps=150)
        for each, prompt in zip(people, PROMPTS, strict=True)
    ]
    await until(lambda: "🎨" in page.text(), PATIENCE)
    conversation.keep("workers", who, page)
    for each in asked:
        await conversation.shown(each)
