"""What a training's message shows, as Components V2."""

from collections.abc import Mapping
from dataclasses import dataclass

import discord
from discord import ui

from cogs.markdown import escaped, escaped_line, in_code, shortened_markdown
from cogs.messages.text import shortened
from cogs.train.buttons import TrainingButton
from engine import Studio, Training, TrainingEvent, TrainingKind, TrainingState
from speech import phrase, say

MAX_TEXT_LENGTH = 3900
"""Characters of a card; Discord allows 4000."""

COLOURS: Mapping[TrainingState, discord.Colour] = {
    TrainingState.COLLECTING: discord.Colour(0x8A8F98),
    TrainingState.WAITING: discord.Colour(0x8A8F98),
    TrainingState.RUNNING: discord.Colour(0xE0A030),
    TrainingState.PAUSED: discord.Colour(0x8A8F98),
    TrainingState.FINISHED: discord.Colour(0x4F9D69),
    TrainingState.FAILED: discord.Colour(0xC0504D),
    TrainingState.CANCELLED: discord.Colour(0x8A8F98),
}

KINDS: Mapping[TrainingKind, str] = {
    TrainingKind.SUBJECT: phrase("subject"),
    TrainingKind.STYLE: phrase("style"),
    TrainingKind.CONCEPT: phrase("concept"),
}

STATES: Mapping[TrainingState, str] = {
    TrainingState.COLLECTING: phrase("collecting pictures"),
    TrainingState.WAITING: phrase("waiting for its turn"),
    TrainingState.RUNNING: phrase("training"),
    TrainingState.PAUSED: phrase("paused"),
    TrainingState.FINISHED: phrase("finished"),
    TrainingState.FAILED: phrase("failed"),
    TrainingState.CANCELLED: phrase("cancelled"),
}
"""The states of a training, in words."""

PAUSED_FOR_PAINTING = phrase("paused: members are waiting for pictures")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCard:
    """The contents of a training's message; two equal cards look the same.

    Attributes:
        training_id: The training.
        state: The state of the training.
        text: The text, in Discord's Markdown.
        pictures: The attached pictures: their alternative texts by file name.
        spoilered: Those that are hidden as spoilers.
        rows: The verbs of its buttons, by row.
        disabled: Those that can't be used yet.
    """

    training_id: int
    state: TrainingState
    text: str
    pictures: Mapping[str, str]
    spoilered: frozenset[str] = frozenset()
    rows: tuple[tuple[str, ...], ...] = ()
    disabled: frozenset[str] = frozenset()

    async def require_exists(self, studio: Studio) -> None:
        """Raise `UnknownJob` when the training was removed."""
        await studio.trainings.get(self.training_id)

    def view(self) -> ui.LayoutView:
        """The card as a message's components."""
        container: ui.Container[ui.LayoutView] = ui.Container(
            ui.TextDisplay(shortened_markdown(self.text, MAX_TEXT_LENGTH)),
            accent_colour=COLOURS[self.state],
        )
        if self.pictures:
            items = [
                discord.MediaGalleryItem(
                    f"attachment://{name}",
                    description=shortened(alt, 1000) or None,
                    spoiler=name in self.spoilered,
                )
                for name, alt in self.pictures.items()
            ]
            container.add_item(ui.MediaGallery(*items))
        for verbs in self.rows:
            buttons = (
                TrainingButton(verb, self.training_id, disabled=verb in self.disabled)
                for verb in verbs
            )
            container.add_item(ui.ActionRow(*buttons))
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def heading(training: Training) -> str:
    """The name of the LoRA, its kind and its model."""
    about = say(
        "{kind}, trained on {model}",
        kind=say(KINDS[training.kind]),
        model=escaped_line(training.model),
    )
    return f"**{escaped(training.name)}** · {about}"


def author_line(training: Training) -> str:
    """The training's owner, number and trigger. The mention shows a name but pings no one."""
    parts = [
        f"<@{training.owner}>",
        say("training {number}", number=training.id),
        say("trigger `{words}`", words=in_code(training.trigger)),
        *([say("only for you")] if training.private else []),
    ]
    return f"-# {' · '.join(parts)}"


def state_words(event: TrainingEvent) -> str:
    """Where a training is, in words."""
    if event.waiting_for_painting:
        return say(PAUSED_FOR_PAINTING)
    return say(STATES[event.training.state])


def list_line(event: TrainingEvent, link: str | None) -> str:
    """The line about a training in a list."""
    training = event.training
    parts = [
        say("training {number}", number=training.id),
        f"<@{training.owner}>",
        state_words(event),
    ]
    if training.steps and not training.state.over:
        parts.append(say("step {step} of {steps}", step=training.step, steps=training.steps))
    parts.append(f"<t:{int(training.created_at)}:R>")
    if link:
        parts.append(say("[view message]({link})", link=link))
    return f"**{escaped(training.name)}**\n-# {' · '.join(parts)}"
