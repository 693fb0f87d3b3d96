"""Handles submitted modals about trainings."""

import re

from cogs.context import Interaction
from cogs.messages.modals import ModalCog, field_values, uploaded_files
from cogs.messages.replies import reply
from cogs.policy.trainers import own_training, require_trainer_of
from cogs.requests.builder import TypedRequest
from cogs.requests.written_prompts import paint
from cogs.train.adding import add_files, add_own, refusals
from cogs.train.caption_page import show_page
from cogs.train.modals import FORM, chosen_pictures
from cogs.train.training_messages import TrainingMessages
from engine import ImageRequest, Studio, Training


class TrainingForms(ModalCog):
    """Handles modals about trainings."""

    form = FORM

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def submitted(self, interaction: Interaction, match: re.Match[str]) -> None:
        """Take in what was entered about a training: pictures, captions, or what to paint."""
        training = await own_training(interaction, int(match["training_id"]))
        match match["kind"]:
            case "add":
                await self._add(interaction, training)
            case "captions":
                await self._caption(interaction, training, int(match["page"] or 0))
            case _:
                await self._paint(interaction, training, field_values(interaction)["prompt"])

    async def _add(self, interaction: Interaction, training: Training) -> None:
        """Add the pictures one by one; say of each that can't be used why."""
        await require_trainer_of(interaction, training)
        await interaction.response.defer()
        messages = interaction.client.services[TrainingMessages]
        await messages.adopt(interaction, training)
        files, own = uploaded_files(interaction), chosen_pictures(interaction.data)
        outcomes = [each async for each in add_files(interaction, training, files)]
        outcomes += [each async for each in add_own(interaction, training, own)]
        await messages.refresh(training.id)
        if refused := refusals(outcomes):
            await reply(interaction, refused)

    async def _caption(self, interaction: Interaction, training: Training, page: int) -> None:
        """Store what the pictures of a page show."""
        await interaction.response.defer()
        captions = {picture.number: picture.caption for picture in training.pictures}
        try:
            for key, text in field_values(interaction).items():
                number = int(key) if key.isdecimal() else 0
                if number in captions and captions[number] != text:
                    training = await self._studio.trainings.caption(training.id, number, text)
        finally:  # those before one that isn't allowed are stored
            await interaction.client.services[TrainingMessages].refresh(training.id)
            await show_page(interaction, training, page)

    async def _paint(self, interaction: Interaction, training: Training, prompt: str) -> None:
        """Paint with the LoRA, as `/imagine` does."""
        options = ImageRequest(prompt=prompt, model=training.model)
        typed = TypedRequest(request=options, lora=training.name)
        await paint(interaction, typed, private=training.private or None)
