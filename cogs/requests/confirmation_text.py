"""What is asked before much is painted at once."""

from collections.abc import Sequence

import discord

from cogs.grids.axes import called
from cogs.messages.cards import duration, shortened
from engine import GridEstimate, GridLayout, Recipe
from speech import say, say_many


def pictures(number: int) -> str:
    """How many pictures."""
    return say_many("{number} picture", "{number} pictures", number)


def of_prompts(recipes: Sequence[Recipe]) -> str:
    """Whether to paint a picture for each of several prompts."""
    asked = say(
        "**{prompts}, {pictures}.** Paint them all?",
        prompts=say_many("{number} prompt", "{number} prompts", len(recipes)),
        pictures=pictures(sum(recipe.count for recipe in recipes)),
    )
    return "\n".join([asked, *(f"- {_plain(recipe.prompt)}" for recipe in recipes)])


def of_grid(layout: GridLayout, price: GridEstimate) -> str:
    """Whether to paint a sheet, which is priced."""
    count = pictures(layout.count)
    if price.seconds is None:
        asked = say("**A grid of {pictures}.** Paint it?", pictures=count)
    else:
        asked = say(
            "**A grid of {pictures}**, ready in about {time}. Paint it?",
            pictures=count,
            time=duration(price.seconds),
        )
    lines = [asked, f"- {_plain(price.recipes[0].prompt)}"]
    for axis in layout.axes:
        lines.append(f"- {called(axis.title)}: {_plain(' · '.join(axis.labels), 300)}")
    if price.seconds is None:
        unknown = say("There's no time estimate until something similar has been painted.")
        lines.append(f"-# {unknown}")
    return "\n".join(lines)


def _plain(text: str, most: int = 80) -> str:
    return discord.utils.escape_markdown(shortened(text, most))
