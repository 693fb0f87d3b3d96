"""Pages of the pictures of a training with their captions, for its owner's eyes."""

import asyncio
import re
from typing import Any, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import escaped_line
from cogs.messages.dynamic_items import Persistent
from cogs.policy.trainers import own_training
from cogs.train.collecting import picture_label, thumbnail_name, thumbnails
from cogs.train.modals import PER_PAGE, PICTURE_LABEL, captions_modal
from cogs.train.training_messages import TrainingMessages
from engine import CollectedPicture, Training, TrainingState
from speech import phrase, say

NONE_LEFT = phrase("There are no pictures. Add some with the button of the training's message.")


class PageButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-train-page:(?P<verb>turn|edit|drop):(?P<training_id>\d{1,18})"
    r":(?P<number>\d{1,3})",
):
    """Turn to a page of captions, edit it, or take a picture out."""

    def __init__(self, verb: str, training_id: int, number: int, emoji: str = "🗑️") -> None:
        labels = {"edit": say("Edit these captions"), "drop": str(number)}
        super().__init__(
            ui.Button(
                label=labels.get(verb),
                emoji=emoji,
                custom_id=f"atelier-train-page:{verb}:{training_id}:{number}",
            )
        )
        self._verb, self._training_id, self._number = verb, training_id, number

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["training_id"]), int(match["number"]))

    async def act(self, interaction: Interaction) -> None:
        """Do it, if the training is the user's and still collects."""
        training = await own_training(interaction, self._training_id)
        if self._verb == "edit":
            pictures = page_of(training, self._number)
            if pictures and training.state is TrainingState.COLLECTING:
                modal = captions_modal(training, self._number, pictures)
                await interaction.response.send_modal(modal)
                return
        await interaction.response.defer()
        page = self._number
        if self._verb == "drop":
            page = _page_with(training, self._number)
            trainings = interaction.client.studio.trainings
            training = await trainings.remove_picture(training.id, self._number)
            await interaction.client.services[TrainingMessages].refresh(training.id)
        await show_page(interaction, training, page)


def page_of(training: Training, page: int) -> tuple[CollectedPicture, ...]:
    """The pictures of a page, from 0 on."""
    return training.pictures[page * PER_PAGE : (page + 1) * PER_PAGE]


async def show_page(interaction: Interaction, training: Training, page: int) -> None:
    """Show a page, or the last one, in the deferred answer, or in the message clicked on."""
    pages = max(1, -(-len(training.pictures) // PER_PAGE))
    page = min(page, pages - 1)
    pictures = page_of(training, page)
    uploads = await asyncio.to_thread(thumbnails, pictures)
    await interaction.edit_original_response(
        view=_view(training, page, pages, {upload.name for upload in uploads}),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _view(training: Training, page: int, pages: int, names: set[str]) -> ui.LayoutView:
    """The page as components; `names` are those of the attached thumbnails."""
    container: ui.Container[ui.LayoutView] = ui.Container()
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    pictures = page_of(training, page)
    if not pictures:
        container.add_item(ui.TextDisplay(say(NONE_LEFT)))
        return view
    for picture in pictures:
        number = say(PICTURE_LABEL, number=picture.number)
        caption = escaped_line(picture.caption or training.trigger, 500)
        text: ui.TextDisplay[ui.LayoutView] = ui.TextDisplay(f"**{number}**\n{caption}")
        name = thumbnail_name(picture)
        if name in names:
            thumbnail = ui.Thumbnail[ui.LayoutView](
                f"attachment://{name}", description=picture_label(picture, training)[:1000]
            )
            container.add_item(ui.Section(text, accessory=thumbnail))
        else:
            container.add_item(text)
    if training.state is not TrainingState.COLLECTING:
        return view
    turns: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if page:
        turns.add_item(PageButton("turn", training.id, page - 1, "◀️"))
    turns.add_item(PageButton("edit", training.id, page, "✏️"))
    if page + 1 < pages:
        turns.add_item(PageButton("turn", training.id, page + 1, "▶️"))
    container.add_item(turns)
    removals = (PageButton("drop", training.id, picture.number) for picture in pictures)
    container.add_item(ui.ActionRow(*removals))
    return view


def _page_with(training: Training, number: int) -> int:
    """The page with the picture of that number, or the first one."""
    numbers = [picture.number for picture in training.pictures]
    return numbers.index(number) // PER_PAGE if number in numbers else 0
