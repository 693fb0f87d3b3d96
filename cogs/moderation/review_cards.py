"""Requests that wait for review. What moderators see before and after they decide."""

import re
from collections.abc import Iterable
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import spoiler
from cogs.message_ref import MessageRef
from cogs.messages.dynamic_items import ActionRegistry, Persistent
from cogs.messages.looks import AMBER, GREY
from cogs.messages.text import shortened
from engine import REVIEW_LIFETIME, ImageRequest, Review
from speech import join_list, phrase, say, say_many

MAX_PROMPTS_LENGTH = 2800
"""Characters of all prompts together, escaped; a message takes 4000."""

MIN_PROMPT_LENGTH = 200
"""Characters that have to be left for another prompt to be shown."""

LINE_MARGIN = 60
"""Characters of a line besides its prompts."""

MAX_WORDS, MAX_WORD_LENGTH = 6, 80
"""How many of the matching words are shown, and the characters of each."""

ALLOW, REFUSE, WITHDRAW = "allow", "refuse", "withdraw"

BUTTONS = {
    ALLOW: (phrase("Approve"), discord.ButtonStyle.success),
    REFUSE: (phrase("Decline"), discord.ButtonStyle.danger),
    WITHDRAW: (phrase("Withdraw"), discord.ButtonStyle.secondary),
}


class ReviewActions(ActionRegistry[int]):
    """The handlers of a review's buttons, which take its number."""


class ReviewButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-review:(?P<verb>allow|refuse|withdraw):(?P<number>\d{1,19})",
):
    """Decide a request; its author can only withdraw it."""

    def __init__(self, verb: str, number: int) -> None:
        label, style = BUTTONS[verb]
        custom_id = f"atelier-review:{verb}:{number}"
        super().__init__(ui.Button(label=say(label), style=style, custom_id=custom_id))
        self._verb = verb
        self._number = number

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["number"]))

    async def act(self, interaction: Interaction) -> None:
        """Apply the verb to the review."""
        actions = interaction.client.services[ReviewActions]
        await actions.run(self._verb, interaction, self._number)


def review_view(review: Review) -> ui.LayoutView:
    """The request with its prompts as spoilers, the matching words, and the buttons."""
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
    if any(request.control for request in review.requests):
        lines.append(say("Is painted along a picture. Its map is shown below the result."))
    words = join_list([_spoiler_line(word, MAX_WORD_LENGTH) for word in review.words[:MAX_WORDS]])
    lines.append(f"-# {say('Held for: {words}', words=words)}")
    lines.append(f"-# {say('Moderators can decide until <t:{end}:f>.', end=end)}")
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for verb in (ALLOW, REFUSE):
        row.add_item(ReviewButton(verb, review.id))
    return _card_view("\n".join(lines), AMBER, row)


def approved_view(review: Review, by: int) -> ui.LayoutView:
    """The message of an approved request."""
    text = say(
        "{moderator} approved {member}'s request.",
        moderator=f"<@{by}>",
        member=f"<@{review.owner}>",
    )
    return _card_view("\n".join([text, *_prompts(review.requests)]), GREY)


def declined_view(review: Review, by: int) -> ui.LayoutView:
    """The message of a declined request, without the prompt: anyone may read it here."""
    return _card_view(
        say(
            "{moderator} declined {member}'s request.",
            moderator=f"<@{by}>",
            member=f"<@{review.owner}>",
        ),
        GREY,
    )


def withdrawn_view(review: Review) -> ui.LayoutView:
    """The message of a request that the member withdrew."""
    text = say("{member} withdrew their request.", member=f"<@{review.owner}>")
    return _card_view(text, GREY)


def withdraw_button_view(review: Review) -> ui.View:
    """The button below the member's notice that their request is waiting."""
    view = ui.View(timeout=None)
    view.add_item(ReviewButton(WITHDRAW, review.id))
    return view


def expired_view() -> ui.LayoutView:
    """The message of a request that wasn't decided in time."""
    return _card_view(say("This request waited too long and has expired."), GREY)


def prompt_excerpt(review: Review) -> str:
    """The first prompt of the request, shortened to one line, as a spoiler."""
    return _spoiler_line(review.requests[0].prompt, 150)


def _prompts(requests: Iterable[ImageRequest]) -> list[str]:
    """The prompts as lines, as far as they fit."""
    lines: list[str] = []
    remaining = MAX_PROMPTS_LENGTH
    for request in requests:
        if remaining < MIN_PROMPT_LENGTH:
            return [*lines, "> …"]
        negative = request.negative_prompt
        excluded = _spoiler_line(negative, remaining // 3) if negative else ""
        parts = [_spoiler_line(request.prompt, remaining - len(excluded) - LINE_MARGIN)]
        if negative:
            parts.append(say("without {words}", words=excluded))
        lines.append(f"> {' · '.join(parts)}")
        remaining -= len(lines[-1]) + 1
    return lines


def _spoiler_line(text: str, max_length: int) -> str:
    """The text as a spoiler in one line of at most `max_length` characters."""
    text = " ".join(text.split())
    whole = spoiler(shortened(text, max_length - 4))
    return whole if len(whole) <= max_length else spoiler(shortened(text, max_length // 2 - 2))


def _card_view(
    text: str, colour: discord.Colour, *rows: ui.ActionRow[ui.LayoutView]
) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(ui.TextDisplay(text), *rows, accent_colour=colour))
    return view
