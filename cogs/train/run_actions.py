"""What the buttons of a training's message do once it was started."""

from cogs.context import Interaction
from cogs.messages.replies import reply
from cogs.policy.trainers import own_training, owns, require_trainer_of
from cogs.train.acting import apply, messages_of, require_state
from engine import TrainingState
from speech import say

RUNNING, PAUSED = TrainingState.RUNNING, TrainingState.PAUSED


async def pause(interaction: Interaction, training_id: int) -> None:
    """Pause the training at a checkpoint, until somebody resumes it."""
    training = await own_training(interaction, training_id, moderated=True)
    await require_state(interaction, training, TrainingState.WAITING, RUNNING, PAUSED)
    await apply(interaction, training, interaction.client.studio.trainings.pause)


async def resume(interaction: Interaction, training_id: int) -> None:
    """Go on with a training that was paused, or couldn't go on."""
    training = await own_training(interaction, training_id, moderated=True)
    if owns(interaction, training):
        await require_trainer_of(interaction, training)
    await require_state(interaction, training, PAUSED, TrainingState.FAILED)
    if training.state is TrainingState.FAILED:
        await messages_of(interaction).change_home(training, delivered=False)
    await apply(interaction, training, interaction.client.studio.trainings.resume)


async def keep(interaction: Interaction, training_id: int) -> None:
    """Keep the LoRA as it is now, and go on training."""
    training = await own_training(interaction, training_id)
    await require_state(interaction, training, RUNNING)
    await apply(interaction, training, interaction.client.studio.trainings.keep)
    await reply(
        interaction,
        say("The LoRA as it is now can be used in a moment, by the training's name and its step."),
    )


async def finish(interaction: Interaction, training_id: int) -> None:
    """Stop the training, and keep the LoRA as it is."""
    training = await own_training(interaction, training_id, moderated=True)
    await require_state(interaction, training, RUNNING, PAUSED)
    await apply(interaction, training, interaction.client.studio.trainings.finish)


async def here(interaction: Interaction, training_id: int) -> None:
    """Keep updating the message for another 15 minutes."""
    training = await own_training(interaction, training_id)
    await interaction.response.defer()
    await messages_of(interaction).adopt(interaction, training)
    await messages_of(interaction).refresh(training.id)
