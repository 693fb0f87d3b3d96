"""What the message about a pending model shows, as Components V2."""

from dataclasses import dataclass

import discord
from discord import ui

from cogs.markdown import escaped_line, in_code, shortened_markdown
from cogs.messages.looks import AMBER, GREEN, GREY, RED
from cogs.messages.text import duration, progress_bar
from cogs.models.buttons import ModelButton
from cogs.models.pending_models import PendingModel
from cogs.models.speed import SpeedMeter
from engine import Studio, human_size, without_folders
from speech import say

MAX_TEXT_LENGTH = 3000
"""Characters of a card; Discord allows 4000."""


@dataclass(frozen=True, slots=True)
class DownloadCard:
    """The contents of a pending model's message; two equal cards look the same.

    Attributes:
        pending: The pending model.
        colour: The accent colour.
        text: The text below the model's name, in Discord's Markdown.
        buttons: The verbs of its buttons.
    """

    pending: PendingModel
    colour: discord.Colour
    text: str
    buttons: tuple[str, ...] = ()

    async def require_exists(self, studio: Studio) -> None:
        """Do nothing: it isn't about a job that could be deleted."""

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        text = shortened_markdown(f"{heading(self.pending)}\n{self.text}", MAX_TEXT_LENGTH)
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(text), accent_colour=self.colour
        )
        if self.buttons:
            row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
            for verb in self.buttons:
                row.add_item(ModelButton(verb, str(self.pending.number)))
            container.add_item(row)
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def heading(pending: PendingModel) -> str:
    """The name and the source of the model, for everyone who reads the channel."""
    source = escaped_line(without_folders(pending.source))
    return f"**{escaped_line(pending.name)}** · {source}" if pending.name else f"**{source}**"


def downloading_card(pending: PendingModel, meter: SpeedMeter) -> DownloadCard:
    """The card of a model that is being downloaded."""
    if not meter.total:
        return DownloadCard(pending, AMBER, say("⬇️ starting"), ("stop",))
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
        lines.append(f"-# {escaped_line(meter.file, 100)}")
    return DownloadCard(pending, AMBER, "\n".join(lines), ("stop",))


def added_card(pending: PendingModel) -> DownloadCard:
    """The card of a model that was added."""
    name = in_code(pending.name or "")
    text = (
        say("Added. Choose `{name}` with the `lora` option of `/imagine`.", name=name)
        if pending.lora
        else say("Added. Switch to it with `/model use {name}`.", name=name)
    )
    return DownloadCard(pending, GREEN, text)


def stopped_card(pending: PendingModel, meter: SpeedMeter) -> DownloadCard:
    """The card of a download that was stopped."""
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
    return DownloadCard(pending, GREY, text, ("resume", "dismiss"))


def interrupted_card(pending: PendingModel) -> DownloadCard:
    """The card of a download that was interrupted by the program's end."""
    text = say(
        "Interrupted: the bot restarted. What's downloaded is kept, and “Resume” continues "
        "from there."
    )
    return DownloadCard(pending, RED, text, ("resume", "dismiss"))


def failed_download_card(pending: PendingModel, sentence: str) -> DownloadCard:
    """The card of a model that couldn't be added."""
    return DownloadCard(pending, RED, f"⚠️ {sentence}", ("resume", "dismiss"))


def dismissed_card(pending: PendingModel) -> DownloadCard:
    """The card of a model that isn't wanted after all."""
    return DownloadCard(pending, GREY, say("Cancelled."))
