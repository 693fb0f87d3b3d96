"""What the buttons of a training's message do while pictures are collected."""

from cogs.context import Interaction
from cogs.messages.replies import reply
from cogs.policy.access import Refused
from cogs.policy.trainers import own_training, require_trainer_of
from cogs.train.acting import messages_of, require_state
from cogs.train.caption_page import show_page
from cogs.train.home import TrainingHome
from cogs.train.modals import add_modal
from cogs.train.own_pictures import picture_options
from cogs.train.threads import TrainingThreads
from engine import TrainingKind, TrainingState
from speech import say

COLLECTING = TrainingState.COLLECTING


async def add(interaction: Interaction, training_id: int) -> None:
    """Open a form for pictures: files, or some that the bot has painted."""
    training = await own_training(interaction, training_id)
    await require_trainer_of(interaction, training)
    await require_state(interaction, training, COLLECTING)
    modal = add_modal(training, await picture_options(interaction, training))
    await interaction.response.send_modal(modal)


async def thread(interaction: Interaction, training_id: int) -> None:
    """Open a thread in which pictures can be posted, or say where it is."""
    training = await own_training(interaction, training_id)
    await require_trainer_of(interaction, training)
    await require_state(interaction, training, COLLECTING)
    await interaction.client.services[TrainingThreads].open(interaction, training)


async def view(interaction: Interaction, training_id: int) -> None:
    """Show the pictures with their captions, to edit the captions or to take pictures out."""
    training = await own_training(interaction, training_id)
    await require_state(interaction, training, COLLECTING)
    await interaction.response.defer(ephemeral=True, thinking=True)
    await show_page(interaction, training, 0)


async def propose(interaction: Interaction, training_id: int) -> None:
    """Propose captions for the pictures without one."""
    training = await own_training(interaction, training_id)
    await require_state(interaction, training, COLLECTING)
    await interaction.response.defer()
    await messages_of(interaction).adopt(interaction, training)
    before = sum(bool(picture.caption) for picture in training.pictures)
    try:
        training = await interaction.client.studio.trainings.propose_captions(training.id)
    finally:  # some may have been found
        await messages_of(interaction).refresh(training.id)
    found = sum(bool(picture.caption) for picture in training.pictures) - before
    if found:
        await reply(interaction, say("Captions were proposed. Look at them before you start."))
    else:
        await reply(
            interaction,
            say("No captions were found: the pictures are learnt by the trigger word alone."),
        )


async def agree(interaction: Interaction, training_id: int) -> None:
    """Say that the person in the pictures agreed, or that none is shown."""
    await _tick(interaction, training_id, agreed=True)


async def agreed(interaction: Interaction, training_id: int) -> None:
    """Take back that the person in the pictures agreed."""
    await _tick(interaction, training_id, agreed=False)


async def start(interaction: Interaction, training_id: int) -> None:
    """Start the training; it waits for its turn."""
    training = await own_training(interaction, training_id)
    await require_trainer_of(interaction, training)
    await require_state(interaction, training, COLLECTING)
    if training.kind is TrainingKind.SUBJECT and not TrainingHome.of(training).agreed:
        raise Refused(
            say("Say first that the person in the pictures agreed, or that none is shown.")
        )
    await interaction.response.defer()
    await messages_of(interaction).adopt(interaction, training)
    training = await interaction.client.studio.trainings.start(training.id)
    interaction.client.services[TrainingThreads].release(training)
    await messages_of(interaction).refresh(training.id)


async def _tick(interaction: Interaction, training_id: int, *, agreed: bool) -> None:
    training = await own_training(interaction, training_id)
    await require_state(interaction, training, COLLECTING)
    await interaction.response.defer()
    messages = messages_of(interaction)
    await messages.adopt(interaction, training)
    await messages.change_home(training, agreed=agreed)
    await messages.refresh(training.id)
