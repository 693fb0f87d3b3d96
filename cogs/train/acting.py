"""What the actions on trainings have in common."""

from collections.abc import Awaitable, Callable

import discord

from cogs.context import Interaction
from cogs.policy.access import Refused
from cogs.train.cards import STATES
from cogs.train.training_messages import TrainingMessages
from engine import Training, TrainingState
from speech import phrase, say

STALE = phrase("That button is out of date: the training is {state}.")


async def require_state(
    interaction: Interaction, training: Training, *states: TrainingState
) -> None:
    """Raise `Refused` when the training is in none of the states; its message is redrawn."""
    if training.state not in states:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.defer()
        await messages_of(interaction).refresh(training.id)
        raise Refused(say(STALE, state=say(STATES[training.state])))


async def apply(
    interaction: Interaction,
    training: Training,
    change: Callable[[int], Awaitable[Training]],
) -> None:
    """Change a training that was started; its message follows."""
    await interaction.response.defer()
    await messages_of(interaction).adopt(interaction, training)
    await change(training.id)
    await messages_of(interaction).refresh(training.id)


def messages_of(interaction: Interaction) -> TrainingMessages:
    """The messages of trainings."""
    return interaction.client.services[TrainingMessages]
