"""Cards of orders: what the message of a model that is being added shows, as Components V2."""

from dataclasses import dataclass

import discord
from discord import ui

from cogs.messages.text import duration, progress_bar, shortened
from cogs.models.buttons import ModelButton
from cogs.models.pending_models import PendingModel
from cogs.models.speed import SpeedMeter
from engine import Studio, human_size
from speech import say

ASKING = discord.Colour(0x8A8F98)
COMING = discord.Colour(0xE0A030)
THERE = discord.Colour(0x4F9D69)
FAILED = discord.Colour(0xC0504D)

LONGEST = 3000
"""Characters of a card: Discord takes 4000."""


@dataclass(frozen=True, slots=True)
class DownloadCard:
    """The contents of an order's message; two equal cards look the same.

    Attributes:
        order: What it is about.
        colour: Its accent.
        text: What it says under the name, in Discord's Markdown.
        buttons: Which buttons it has, by their verbs.
    """

    order: PendingModel
    colour: discord.Colour
    text: str
    buttons: tuple[str, ...] = ()

    async def require_exists(self, studio: Studio) -> None:
        """What it tells of is about no job that could be deleted."""

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        text = shortened(f"{heading(self.order)}\n{self.text}", LONGEST)
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(text), accent_colour=self.colour
        )
        if self.buttons:
            row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
            for verb in self.buttons:
                row.add_item(ModelButton(verb, str(self.order.number)))
            container.add_item(row)
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def heading(order: PendingModel) -> str:
    """The name of the model and where it comes from."""
    source = discord.utils.escape_markdown(order.source)
    return f"**{order.name}** · {source}" if order.name else f"**{source}**"


def coming_card(order: PendingModel, meter: SpeedMeter) -> DownloadCard:
    """A model that is being downloaded."""
    if not meter.total:
        return DownloadCard(order, COMING, say("⬇️ contacting the Hub"), ("stop",))
    done, total = human_size(meter.done), human_size(meter.total)
    parts = [
        progress_bar(meter.done, meter.total),
        say("{done} of {total}", done=done, total=total),
    ]
    if (speed := meter.bytes_per_second) is not None:
        parts.append(f"{human_size(speed)}/s")
    if (left := meter.seconds_left) is not None:
        parts.append(say("about {time} left", time=duration(left)))
    lines = [f"⬇️ {' · '.join(parts)}"]
    if meter.file:
        lines.append(f"-# {discord.utils.escape_markdown(shortened(meter.file, 100))}")
    return DownloadCard(order, COMING, "\n".join(lines), ("stop",))


def added_card(order: PendingModel) -> DownloadCard:
    """A model that is here."""
    text = say("Added. Switch to it with `/model use {name}`.", name=order.name)
    return DownloadCard(order, THERE, text)


def stopped_card(order: PendingModel, meter: SpeedMeter) -> DownloadCard:
    """A download that somebody stopped."""
    if meter.total:
        done, total = human_size(meter.done), human_size(meter.total)
        text = say(
            "Stopped at {done} of {total}. What's downloaded is kept, and “Resume” continues "
            "from there.",
            done=done,
            total=total,
        )
    else:
        text = say("Stopped. What's downloaded is kept, and “Resume” continues from there.")
    return DownloadCard(order, ASKING, text, ("resume", "dismiss"))


def interrupted_card(order: PendingModel) -> DownloadCard:
    """A download that ended with the program."""
    text = say(
        "Interrupted: the bot restarted. What's downloaded is kept, and “Resume” continues "
        "from there."
    )
    return DownloadCard(order, FAILED, text, ("resume", "dismiss"))


def failed_card(order: PendingModel, sentence: str) -> DownloadCard:
    """A model that could not be added."""
    return DownloadCard(order, FAILED, f"⚠️ {sentence}", ("resume", "dismiss"))


def dismissed_card(order: PendingModel) -> DownloadCard:
    """A model that nobody wants any more."""
    return DownloadCard(order, ASKING, say("Cancelled."))
