"""A training: the pictures that are collected, its progress, and its end."""

from __future__ import annotations

import io
import random
import re

from benchmarks.training.zork import SCENES, TRIGGER, draw_picture
from tests.discord_server import Upload
from tests.discord_server.page import document, message_html, moment_of
from tests.discord_server.screen import Screen
from tests.screenshots.scenes import Conversation, button

PICTURES = 8

PLAN = re.compile(r"🧮 .*\d")
"""What it would take, in any language; before it is known, there are no figures."""

PLOT_AND_SAMPLES = 2
"""Attachments of a training that has come so far."""

PATIENCE = 1800.0
"""Seconds for a training on a machine that has other things to do."""


async def training(conversation: Conversation) -> None:
    """Train a LoRA, and keep its message before, in the middle of its plots, and at the end."""
    who, until = conversation.mona, conversation.discord.until
    options = {"name": TRIGGER, "trigger": TRIGGER, "kind": "concept"}
    card = await (await who.slash(conversation.art, "train new", **options)).message()
    modal = await (await conversation.click(card, "add", who)).modal()
    await who.submit(modal, {"files": _zorks()})
    await until(lambda: PLAN.search(card.text()), PATIENCE)
    conversation.keep("training-pictures", who, card)
    await conversation.click(card, "start", who)
    await until(lambda: button(card, "remove"), PATIENCE)
    plotted = [each for each in card.looks[:-1] if len(each.attachments) == PLOT_AND_SAMPLES]
    look = plotted[len(plotted) // 2]
    screen = Screen(who, card.created + moment_of(card, look))
    conversation.pages["training-progress"] = document(
        message_html(screen, card, look), language=who.locale
    )
    conversation.keep("training", who, card)


def _zorks() -> list[Upload]:
    dice = random.Random(1)
    files = []
    for number, (background, _) in enumerate(SCENES[:PICTURES]):
        buffer = io.BytesIO()
        draw_picture(dice, background).save(buffer, "PNG")
        files.append(Upload(f"zork{number}.png", buffer.getvalue()))
    return files
