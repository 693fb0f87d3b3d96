"""Requests that wait for review. What moderators see before and after they decide."""

import re
from collections.abc import Iterable
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.messages.text import shortened, spoiler
from engine import REVIEW_LIFETIME, ImageRequest, Review
from speech import listed, phrase, say, say_many

ASKING = discord.Colour(0xE0A030)
OVER = discord.Colour(0x8A8F98)

MOST_PROMPTS = 2800
"""Characters of all prompts, escaped; a message takes 4000."""

LEAST_PROMPT = 200
"""Characters for which another line is begun."""

MARGIN = 60
"""Characters that stand around the prompts of a line."""

MOST_WORDS, LONGEST_WORD = 6, 80
"""Of the words that they are held for so many are told, in so many characters each."""

ALLOW, REFUSE, WITHDRAW = "allow", "refuse", "withdraw"

BUTTONS = {
    ALLOW: (phrase("Approve"), discord.ButtonStyle.success),
    REFUSE: (phrase("Decline"), discord.ButtonStyle.danger),
    WITHDRAW: (phrase("Withdraw"), discord.ButtonStyle.secondary),
}


class ReviewActions(ActionRegistry[int]):
    """What the buttons of a review do, given its number."""


class ReviewButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-review:(?P<verb>allow|refuse|withdraw):(?P<number>\d{1,19})",
):
    """Decide a request; its author can only withdraw it."""

    def __init__(self, verb: str, number: int) -> None:
        label, style = BUTTONS[verb]
        identity = f"atelier-review:{verb}:{number}"
        super().__init__(ui.Button(label=say(label), style=style, custom_id=identity))
        self._verb = verb
        self._number = number

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], int(match["number"]))

    async def act(self, interaction: Interaction) -> None:
        """Decide, or withdraw."""
        actions = interaction.client.services[ReviewActions]
        await actions.run(self._verb, interaction, self._number)


def asking_view(review: Review) -> ui.LayoutView:
    """The request with what is held against it, and the buttons. Prompts hide as spoilers."""
    pictures = sum(request.count for request in review.requests)
    number = say_many("{number} picture", "{number} pictures", pictures)
    where = f"<#{MessageRef.from_json(review.message_ref).channel_id}>"
    end = int(review.asked_at + REVIEW_LIFETIME)
    lines = [
        say(
            "{member} asked for {pictures} in {channel}. This needs a moderator's approval.",
            member=f"<@{review.owner}>",
            channel=where,
            pictures=number,
        ),
        *_prompts(review.requests),
    ]
    if any(request.image for request in review.requests):
        lines.append(say("Uses a start image."))
    words = listed([_hidden(word, LONGEST_WORD) for word in review.words[:MOST_WORDS]])
    lines.append(f"-# {say('Held for: {words}', words=words)}")
    lines.append(f"-# {say('Moderators can decide until <t:{end}:f>.', end=end)}")
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for verb in (ALLOW, REFUSE):
        row.add_item(ReviewButton(verb, review.id))
    return _view("\n".join(lines), ASKING, row)


def allowed_view(review: Review, by: int) -> ui.LayoutView:
    """What is left when it was allowed."""
    said = say(
        "{moderator} approved {member}'s request.",
        moderator=f"<@{by}>",
        member=f"<@{review.owner}>",
    )
    return _view("\n".join([said, *_prompts(review.requests)]), OVER)


def refused_view(review: Review, by: int) -> ui.LayoutView:
    """What is left when it was refused: everybody may stand here, so nothing of the prompt."""
    return _view(
        say(
            "{moderator} declined {member}'s request.",
            moderator=f"<@{by}>",
            member=f"<@{review.owner}>",
        ),
        OVER,
    )


def withdrawn_view(review: Review) -> ui.LayoutView:
    """What is left when whoever asked wants it no more."""
    return _view(say("{member} withdrew their request.", member=f"<@{review.owner}>"), OVER)


def withdrawing_view(review: Review) -> ui.View:
    """The button below what whoever asked is told."""
    view = ui.View(timeout=None)
    view.add_item(ReviewButton(WITHDRAW, review.id))
    return view


def over_view() -> ui.LayoutView:
    """What is left when nobody decided in time."""
    return _view(say("This request waited too long and has expired."), OVER)


def in_short(review: Review) -> str:
    """The first of its prompts, for a line."""
    return _hidden(review.requests[0].prompt, 150)


def _prompts(requests: Iterable[ImageRequest]) -> list[str]:
    """As much of the prompts as fits, each on a line."""
    lines: list[str] = []
    room = MOST_PROMPTS
    for request in requests:
        if room < LEAST_PROMPT:
            return [*lines, "> …"]
        negative = request.negative_prompt
        without = _hidden(negative, room // 3) if negative else ""
        texts = [_hidden(request.prompt, room - len(without) - MARGIN)]
        if negative:
            texts.append(say("without {words}", words=without))
        lines.append(f"> {' · '.join(texts)}")
        room -= len(lines[-1]) + 1
    return lines


def _hidden(text: str, most: int) -> str:
    """The text in one line that nobody has to read who does not want to, in `most` characters."""
    text = " ".join(text.split())
    whole = spoiler(shortened(text, most - 4))
    return whole if len(whole) <= most else spoiler(shortened(text, most // 2 - 2))


def _view(text: str, colour: discord.Colour, *rows: ui.ActionRow[ui.LayoutView]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(ui.TextDisplay(text), *rows, accent_colour=colour))
    return view
