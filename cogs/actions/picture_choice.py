"""Choosing a picture of a message, in the menus of messages: of a job's, or of those attached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.looks import ROW
from cogs.messages.picture_buttons import PictureButton
from cogs.policy.access import require_postable_channel
from cogs.policy.nsfw import require_shown
from cogs.requests.attachments import store_images
from engine import InvalidRequest, Job, Parent
from speech import say

MAX_PICTURES = ROW
"""Pictures of a message that are used."""

AnyButton = ui.DynamicItem[ui.Button[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureChoice:
    """What a menu asks, and what it does with the chosen picture.

    Attributes:
        question: The phrase above the buttons.
        nothing: The phrase for a `job` without pictures.
        verb: What `PictureButton` does with a job's picture.
        button: Makes the button of an attached picture from the name it is stored under and its
            number in the message.
        ephemeral: Whether only the user sees what becomes of it.
    """

    question: str
    nothing: str
    verb: str
    button: Callable[[str, int], AnyButton]
    ephemeral: bool = False

    async def of_job(self, interaction: Interaction, job: Job) -> Parent | None:
        """The only picture of a job; `None` after asking for one of several.

        Raises:
            InvalidRequest: When it has none, or they are withheld from the user.
        """
        await require_shown(interaction, job)
        if not job.pictures:
            raise InvalidRequest(say(self.nothing, job=job.id))
        pictures = [Parent(job.id, number) for number in range(len(job.pictures))]
        if len(pictures) == 1:
            return pictures[0]
        view = self._view([PictureButton(self.verb, picture) for picture in pictures])
        await interaction.response.send_message(view=view, ephemeral=True)
        return None

    async def of_attachments(
        self, interaction: Interaction, pictures: Sequence[discord.Attachment]
    ) -> None:
        """Store pictures that somebody attached, and ask for one of them."""
        await require_postable_channel(interaction, ephemeral=self.ephemeral)
        await interaction.response.defer(ephemeral=True, thinking=True)
        images, notes = await store_images(interaction, pictures[:MAX_PICTURES])
        buttons = [self.button(image, number) for image, number in images.items()]
        await interaction.edit_original_response(view=self._view(buttons, notes))

    def _view(self, buttons: Sequence[AnyButton], notes: Sequence[str] = ()) -> ui.LayoutView:
        """A row of buttons below the question and notes."""
        view = ui.LayoutView(timeout=None)
        text = "\n".join([say(self.question), *(f"-# {note}" for note in notes)])
        view.add_item(ui.TextDisplay(text))
        view.add_item(ui.ActionRow(*buttons))
        return view
